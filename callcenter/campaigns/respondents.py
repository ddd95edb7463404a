"""Where a respondent stands: pure. A survey that was begun and dropped is never counted as complete."""

from collections.abc import Iterable
from enum import StrEnum

from callcenter.campaigns.models import CONVERSATIONS, ContactResult, Outcome


class Status(StrEnum):
    """``partial``: some answers, and no try is left. ``breakoff``: took part no further than the greeting."""

    REGISTERED = "registered"
    CONTACTED = "contacted"
    STARTED = "started"
    PARTIAL = "partial"
    COMPLETED = "completed"
    REFUSED = "refused"
    BREAKOFF = "breakoff"
    UNREACHABLE = "unreachable"
    FAILED = "failed"


def after_attempt(status: str, outcome: Outcome) -> Status:
    """After one attempt of perhaps more."""
    if outcome is Outcome.COMPLETED:
        return Status.COMPLETED
    if outcome is Outcome.OPTED_OUT:
        return Status.REFUSED
    if status == Status.STARTED:
        return Status.STARTED
    return Status.CONTACTED if outcome in CONVERSATIONS or status == Status.CONTACTED else Status.REGISTERED


def at_the_end(status: str, result: ContactResult, *, in_writing: bool = False) -> Status:
    """When nothing follows any more. ``in_writing``: reached by a message, to which nobody has answered.

    Whom the staff took out has refused nothing.
    """
    if result is ContactResult.REACHED and in_writing:
        return Status.PARTIAL if status == Status.STARTED else Status.CONTACTED
    if result is ContactResult.REACHED:
        return Status.COMPLETED
    if result is ContactResult.REFUSED:
        return Status.REFUSED
    if status == Status.STARTED:
        return Status.PARTIAL
    if status == Status.CONTACTED:
        return Status.BREAKOFF
    if result is ContactResult.WITHDRAWN:
        return Status.REGISTERED
    return Status.FAILED if result in (ContactResult.FAILED, ContactResult.UNKNOWN) else Status.UNREACHABLE


def before_the_end(status: str, outcomes: Iterable[Outcome]) -> Status:
    """Where a respondent stands whose end is taken back. ``outcomes``: of all attempts."""
    found = Status.STARTED if status == Status.PARTIAL else Status.REGISTERED
    for outcome in outcomes:
        found = after_attempt(found, outcome)
    return found
