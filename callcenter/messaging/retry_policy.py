"""What comes after a message was tried: pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callcenter.messaging.models import Channel, MessageState

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(days=1)


class Outcome(StrEnum):
    """Of one try. ``refused``: for good. ``not_now``: it was surely not taken. ``no_answer``: perhaps it was.
    ``too_late``: its time was over, so it was not tried."""

    TAKEN = "taken"
    REFUSED = "refused"
    NOT_NOW = "not_now"
    NO_ANSWER = "no_answer"
    TOO_LATE = "too_late"


REPEATABLE = frozenset({Channel.WEBHOOK})
"""Read by a programme, which tells the second from the first by the delivery's id. A person would read it twice."""


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


def after_try(
    outcome: Outcome,
    channel: Channel,
    *,
    attempts: int,
    created_at: datetime,
    at: datetime,
    expires_at: datetime | None = None,
) -> Following:
    """``attempts``: how many there were, this one included.

    What a person reads is not sent again when no answer came; a webhook is.
    """
    if outcome is Outcome.TAKEN:
        return Following(MessageState.SENT)
    if outcome is Outcome.REFUSED:
        return Following(MessageState.FAILED)
    if outcome is Outcome.TOO_LATE:
        return Following(MessageState.EXPIRED)
    if outcome is Outcome.NO_ANSWER and channel not in REPEATABLE:
        return Following(MessageState.UNKNOWN)
    due_at = at + min(FIRST_PAUSE * 2 ** min(attempts - 1, 16), LONGEST_PAUSE)
    if expires_at is not None and due_at >= expires_at:
        return Following(MessageState.EXPIRED)
    if due_at > created_at + GIVE_UP_AFTER:
        return Following(MessageState.GIVEN_UP)
    return Following(MessageState.PENDING, due_at)
