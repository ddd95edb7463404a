"""What follows an attempt: pure. All that is decided comes from the contact's history, so nothing can add up wrongly.

Budgets are counted from the attempts themselves, each time anew: in all, of a number, of an outcome. What was surely
not dialled (``not_placed``) and what the network refused do not use the person's attempts up, only their own budget.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from callcenter.campaigns.models import Channel, ContactResult, Outcome
from callcenter.campaigns.rules import RetryRule, RetryRules
from callcenter.campaigns.windows import CallingHours

OURS = frozenset({Outcome.NOT_PLACED, Outcome.NETWORK_FAILURE})
"""The person's telephone did not ring."""
_OVER = {
    Outcome.COMPLETED: ContactResult.REACHED,
    Outcome.OPTED_OUT: ContactResult.REFUSED,
    Outcome.UNKNOWN: ContactResult.UNKNOWN,
    Outcome.SENT: ContactResult.REACHED,
    Outcome.DELIVERED: ContactResult.REACHED,
}
_DEAD = frozenset({Outcome.INVALID_NUMBER, Outcome.WRONG_PERSON})
"""A number of which this came is not tried again."""


@dataclass(frozen=True, slots=True)
class Past:
    """An attempt that is over."""

    channel: Channel
    address: str
    outcome: Outcome
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """How a contact can be reached. ``channels``: the campaign's, in order, those the contact has.

    ``refused``: of the numbers, those that may not be dialled as things stand.
    """

    channels: Sequence[Channel]
    numbers: Sequence[str]
    hours: CallingHours
    ends_at: datetime
    refused: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Try:
    """Again at ``at``: by telephone to ``numbers[number]``, or by a message."""

    at: datetime
    channel: Channel
    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    result: ContactResult
    reason: str


def decide(history: Sequence[Past], rules: RetryRules, reach: Reach, *, luck: float) -> Try | Finish:
    """What follows the last of ``history`` (in order of time, at least one). ``luck``: from 0 until before 1."""
    last = history[-1]
    if (over := _OVER.get(last.outcome)) is not None:
        return Finish(over, last.outcome)
    again = (_again if last.channel is Channel.TELEPHONE else _write_again)(history, rules, reach, luck)
    if again is not None and again.at < reach.ends_at:
        return again
    return _next_channel(history, reach, last, "too_late" if again is not None else last.outcome)


def _next_channel(history: Sequence[Past], reach: Reach, last: Past, reason: str) -> Try | Finish:
    tried = {past.channel for past in history}
    left = ((channel, _living(history, reach, channel)) for channel in reach.channels if channel not in tried)
    coming, number = next(((channel, index) for channel, index in left if index is not None), (None, 0))
    if coming is None:
        failed = all(past.outcome in _DEAD | {Outcome.BOUNCED} for past in history)
        return Finish(ContactResult.FAILED if failed else ContactResult.UNREACHABLE, reason)
    at = reach.hours.next_open(last.ended_at) if coming is Channel.TELEPHONE else last.ended_at
    if at is None or at >= reach.ends_at:
        return Finish(ContactResult.UNREACHABLE, "too_late")
    return Try(at, coming, number, reason)


def _living(history: Sequence[Past], reach: Reach, channel: Channel) -> int | None:
    """The index of the first number that is the person's, as far as we know: a stranger must not read of them either.

    None: there is no such number.
    """
    if channel is Channel.EMAIL:
        return 0
    dead = _dead(history, reach)
    return next((index for index, number in enumerate(reach.numbers) if number not in dead), None)


def _dead(history: Sequence[Past], reach: Reach) -> set[str]:
    return {past.address for past in history if past.outcome in _DEAD}.union(reach.refused)


def _again(history: Sequence[Past], rules: RetryRules, reach: Reach, luck: float) -> Try | None:
    """Another dial, or None when a budget is used up or no number is left."""
    last, dials = history[-1], [past for past in history if past.channel is Channel.TELEPHONE]
    rule = rules.after.get(last.outcome)
    same = sum(past.outcome is last.outcome for past in dials)
    if rule is None or same > rule.times:
        return None
    rung = [past for past in dials if past.outcome not in OURS]
    if len(rung) >= rules.most_attempts:
        return None
    number = _number(rung, rule, rules, reach, last)
    if number is None:
        return None
    at = _when(rule, reach, last, rule.wait(same - 1, luck))
    return Try(at, Channel.TELEPHONE, number, last.outcome) if at is not None else None


def _write_again(history: Sequence[Past], rules: RetryRules, reach: Reach, luck: float) -> Try | None:
    """The same message once more, only of what surely never left us: what was refused would be again."""
    last = history[-1]
    rule = rules.after.get(last.outcome) if last.outcome is Outcome.NOT_PLACED else None
    same = sum(past.channel is last.channel and past.outcome is last.outcome for past in history)
    if rule is None or same > rule.times:
        return None
    at = reach.hours.next_open(last.ended_at + rule.wait(same - 1, luck))
    number = reach.numbers.index(last.address) if last.address in reach.numbers else 0
    return Try(at, last.channel, number, last.outcome) if at is not None else None


def _number(rung: Sequence[Past], rule: RetryRule, rules: RetryRules, reach: Reach, last: Past) -> int | None:
    """The index of the number to dial: the same, or the one behind it that still may be."""
    dead = _dead(rung, reach)
    count = len(reach.numbers)
    at = reach.numbers.index(last.address) if last.address in reach.numbers else 0
    first = at + 1 if rule.number == "next" or last.address in dead else at
    for step in range(count):
        number = reach.numbers[(first + step) % count]
        tried = sum(past.address == number for past in rung)
        if number not in dead and tried < rules.most_per_number:
            return (first + step) % count
    return None


def _when(rule: RetryRule, reach: Reach, last: Past, wait: timedelta) -> datetime | None:
    earliest = last.ended_at + wait
    if rule.part_of_day == "other":
        other = reach.hours.next_open_in_other_part(earliest, unlike=last.ended_at)
        if other is not None and other < reach.ends_at:
            return other
    return reach.hours.next_open(earliest)
