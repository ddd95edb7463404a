"""What an attempt came to, pure: from the lines of its ledger alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from callcenter.asterisk import variables
from callcenter.asterisk.variables import parse_payload, parse_way
from callcenter.callbacks.policy import Dial, outcome_of
from callcenter.calls.dial_causes import outcome_of_cause
from callcenter.calls.models import Call, LedgerEvent
from callcenter.campaigns.models import Outcome

CONCLUSIONS = frozenset(
    {
        Outcome.COMPLETED,
        Outcome.ANSWERED_NO_INPUT,
        Outcome.WRONG_PERSON,
        Outcome.MACHINE,
        Outcome.OPTED_OUT,
    }
)
"""What a flow may say of the attempt by its step ``conclude``."""
_SAID = CONCLUSIONS | {Outcome.ABANDONED_BY_US}
"""The last is the dialplan's: no agent was free in time."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the lines tell. ``answers``: question -> (revision, value, when)."""

    outcome: Outcome
    dialled_at: datetime | None = None
    answered_at: datetime | None = None
    cause: int | None = None


def read_attempt(attempt_id: str, events: Sequence[LedgerEvent], *, talked: bool = False) -> Reading:
    """``events``: all of the attempt's call, in order. ``talked``: an agent talked with the person.

    No CHAN_START of its own: Asterisk never made the channel, nobody was dialled.
    """
    own = [event for event in events if event.uniqueid == attempt_id]
    started = _first(own, "CHAN_START")
    if started is None:
        return Reading(Outcome.NOT_PLACED)
    answered, hung_up = _first(own, "ANSWER"), _first(own, "HANGUP")
    cause = _cause(hung_up)
    outcome = _outcome(events, answered=answered is not None, hung_up=hung_up, cause=cause, talked=talked)
    return Reading(outcome, started.at, answered.at if answered else None, cause)


def read_previewed(events: Sequence[LedgerEvent], call: Call | None) -> Reading:
    """Of a call in which the agent's telephone rang first: the dialplan says when the person was dialled, and how it
    ended. ``call``: its record; None: none is written."""
    dialled = _first(events, variables.EVENT_DIAL)
    ended = _first(events, variables.EVENT_DIAL_END)
    said = parse_payload(str(ended.extra.get("extra", ""))) if ended else {}
    cause = int(said["cause"]) if said.get("cause", "").isdecimal() else None
    dial = Dial(
        dialled=dialled is not None,
        status=said.get("status") if ended else None,
        cause=cause,
        talked=call is not None and call.talk_seconds + call.hold_seconds > 0,
        hung_up_by=call.hung_up_by if call else None,
    )
    answered_at = call.answered_at if call and dialled else None
    return Reading(Outcome(outcome_of(dial)), dialled.at if dialled else None, answered_at, cause)


def _outcome(
    events: Sequence[LedgerEvent], *, answered: bool, hung_up: LedgerEvent | None, cause: int | None, talked: bool
) -> Outcome:
    concluded = _conclusion(events)
    if concluded is not None:
        return concluded
    if answered and talked:
        return Outcome.COMPLETED
    if hung_up is None:
        return Outcome.UNKNOWN
    if not answered:
        return Outcome(outcome_of_cause(cause) or Outcome.UNREACHABLE)
    if any(event.kind == variables.EVENT_FALLBACK for event in events):
        return Outcome.ABANDONED_BY_US
    by_person = str(hung_up.extra.get("hangupsource", "")) == hung_up.channel
    return Outcome.HUNG_UP_EARLY if by_person else Outcome.ANSWERED_NO_INPUT


def _conclusion(events: Sequence[LedgerEvent]) -> Outcome | None:
    """The last word of flow or dialplan; one that is no word of ours counts as none."""
    found = None
    for kind, payload in user_events(events):
        if kind == variables.EVENT_CONCLUDE:
            said = parse_payload(payload).get("outcome", "")
            found = Outcome(said) if said in _SAID else found
    return found


_MAY_FOLLOW = {Outcome.SENT: frozenset({Outcome.DELIVERED, Outcome.BOUNCED})}


def may_follow(before: Outcome | None, news: Outcome) -> bool:
    """Whether a message's outcome becomes this. ``before``: None while the attempt is open.

    What is told late, twice or out of order never undoes a failure, and no success but a sending that was not more.
    """
    return before is None or news in _MAY_FOLLOW.get(before, ())


def user_events(events: Sequence[LedgerEvent]) -> list[tuple[str, str]]:
    """Our own events with their payloads; several written as one line are taken apart."""
    found: list[tuple[str, str]] = []
    for event in events:
        payload = str(event.extra.get("extra", ""))
        if event.kind == variables.EVENT_WAY:
            found += parse_way(payload)
        elif event.kind.startswith("CC_"):
            found.append((event.kind, payload))
    return found


def _first(events: Sequence[LedgerEvent], kind: str) -> LedgerEvent | None:
    return next((event for event in events if event.kind == kind), None)


def _cause(hung_up: LedgerEvent | None) -> int | None:
    cause = hung_up.extra.get("hangupcause") if hung_up is not None else None
    return int(cause) if isinstance(cause, int) or (isinstance(cause, str) and cause.isdecimal()) else None
