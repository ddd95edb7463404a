"""The rules of call-backs, pure: who may be called, what an attempt came to, when the next one is."""

from dataclasses import dataclass
from datetime import timedelta

from callcenter.callbacks.models import CallbackState
from callcenter.callouts.policy import find_refusal
from callcenter.calls.dial_causes import outcome_of_cause

MAX_TRIES = 3
"""Dials of the patient; attempts in which nobody was dialled do not count."""
MAX_OPEN_PER_LINE = 3
"""Open call-backs that one calling number may have asked for: nobody makes us phone strangers by the dozen."""

_OUTCOME_OF_STATUS = {"BUSY": "busy", "NOANSWER": "no_answer", "CANCEL": "abandoned_by_us", "": "not_placed"}


@dataclass(frozen=True, slots=True)
class Rules:
    """See :class:`callcenter.callbacks.models.CallbackRules`."""

    active: bool
    expiry_seconds: int
    max_open: int


DEFAULT_RULES = Rules(active=True, expiry_seconds=4 * 3600, max_open=100)


@dataclass(frozen=True, slots=True)
class Next:
    """What becomes of a call-back after an attempt. ``after``: to the next one; None: there is none."""

    state: CallbackState
    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Dial:
    """What the ledger tells of an attempt. ``status`` None: no end of the dial was written."""

    dialled: bool
    status: str | None
    cause: int | None
    talked: bool
    hung_up_by: str | None


def may_be_called_back(e164: str, country: str) -> bool:
    """Whether a caller may ask for it: mobile and geographic landline numbers of ``country`` only.

    Staff may ask for what the hospital allows beyond them (callcenter.callouts).
    """
    return find_refusal(e164, country) is None


def outcome_of(dial: Dial) -> str:
    """The attempt's outcome. Nothing dialled is ``not_placed``; dialled with no end told is ``unknown``."""
    if not dial.dialled:
        return "not_placed"
    if dial.talked:
        return "completed"
    if dial.status is None:
        return "unknown"
    if dial.status == "ANSWER":
        return "hung_up_early" if dial.hung_up_by == "caller" else "abandoned_by_us"
    if dial.status in ("CANCEL", ""):
        return _OUTCOME_OF_STATUS[dial.status]
    return outcome_of_cause(dial.cause) or _OUTCOME_OF_STATUS.get(dial.status, "unreachable")


_RETRY_AFTER = {
    "busy": timedelta(minutes=5),
    "no_answer": timedelta(minutes=15),
    "unreachable": timedelta(minutes=15),
    "hung_up_early": timedelta(minutes=15),
    "abandoned_by_us": timedelta(minutes=1),
    "network_failure": timedelta(minutes=5),
    "not_placed": timedelta(seconds=30),
}
_NOT_THE_PATIENT = frozenset({"not_placed", "network_failure"})
"""The patient's telephone did not ring: bounded by the expiry, not by the number of tries."""


def decide_next(outcome: str, tries: int) -> Next:
    """``tries``: dials so far, this one included. The place in the queue is the same each time."""
    if outcome == "completed":
        return Next(CallbackState.COMPLETED)
    if outcome == "unknown":
        return Next(CallbackState.UNKNOWN)  # never dialled again by itself: it might be the second call
    after = _RETRY_AFTER.get(outcome)
    if after is None or (tries >= MAX_TRIES and outcome not in _NOT_THE_PATIENT):
        return Next(CallbackState.FAILED)
    return Next(CallbackState.WAITING, after)
