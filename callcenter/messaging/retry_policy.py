"""What comes after a message was tried: pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callcenter.messaging.models import Channel, MessageState

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(days=1)


class Outcome(StrEnum):
    """Of one try. ``refused``: for good. ``not_now``: it was surely not taken. ``no_answer``: perhaps it was."""

    TAKEN = "taken"
    REFUSED = "refused"
    NOT_NOW = "not_now"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class Tried:
    """``answer``: the last word of the other side, or ours; no secret, nothing of the message."""

    outcome: Outcome
    answer: str


@dataclass(frozen=True, slots=True)
class Following:
    """``due_at``: when to try again; None: it is finished."""

    state: MessageState
    due_at: datetime | None = None


def after_try(outcome: Outcome, channel: Channel, *, attempts: int, created_at: datetime, at: datetime) -> Following:
    """``attempts``: how many there were, this one included.

    A mail without an answer is not sent again: a person would read it twice. A webhook is: its receiver tells the
    second from the first by the delivery's id.
    """
    if outcome is Outcome.TAKEN:
        return Following(MessageState.SENT)
    if outcome is Outcome.REFUSED:
        return Following(MessageState.FAILED)
    if outcome is Outcome.NO_ANSWER and channel is Channel.MAIL:
        return Following(MessageState.UNKNOWN)
    due_at = at + min(FIRST_PAUSE * 2 ** min(attempts - 1, 16), LONGEST_PAUSE)
    if due_at > created_at + GIVE_UP_AFTER:
        return Following(MessageState.GIVEN_UP)
    return Following(MessageState.PENDING, due_at)
