"""Whether a call out may be made. Every part of the service that dials into the network asks here, twice.

When it is asked for (:func:`find_refusal`, so that it can be said at once), and right before the dial
(:func:`take_place`): the place is taken and committed before the number leaves the database. So however many dial at
the same moment, no limit is passed; who dies in between has counted one too many, never one too few.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.callouts import do_not_call, policy, queries
from callcenter.callouts.errors import PrefixNotFound
from callcenter.callouts.models import CallOutPrefix
from callcenter.callouts.policy import DEFAULT_LIMITS, Home, Limits, PrefixRule, Refusal
from callcenter.core.alarms import raise_alarm
from callcenter.core.audit import Actor, record_audit
from callcenter.core.clock import now
from callcenter.core.phone_numbers import masked

ALARM = "toll_fraud_suspected"
KEEP_COUNTS_DAYS = 7


@dataclass(frozen=True, slots=True)
class CallOut:
    """A wish to dial ``e164``. ``staff``: the log-in name of who asks; else ``line``: E.164 of the caller who does.

    ``confirmed``: a member of staff was told that the number is on the do-not-call list, and calls all the same.
    """

    e164: str
    staff: str | None = None
    line: str | None = None
    confirmed: bool = False

    @property
    def asker(self) -> str:
        return f"staff:{self.staff}" if self.staff else f"line:{self.line or 'withheld'}"

    @property
    def shown_asker(self) -> str:
        """As alarms may show it."""
        return self.asker if self.staff or not self.line else f"line:{masked(self.line)}"


async def find_refusal(session: AsyncSession, wanted: CallOut, home: Home, at: datetime) -> Refusal | None:
    """Why it would be refused now; None: it would not.

    Of DO_NOT_CALL a member of staff is told (errors.OnDoNotCallList), and may ask again ``confirmed``.
    """
    refusal = await _find_refusal_of_number(session, wanted, home, at)
    if refusal is not None:
        return refusal
    budgets = _budgets(wanted, await get_limits(session))
    taken = await queries.taken(session, _day(home, at), [key for _, key, _ in budgets])
    return next((full for full, key, limit in budgets if taken.get(key, 0) >= limit), None)


async def find_prefix_refusal(session: AsyncSession, e164: str, country: str) -> Refusal | None:
    """Why this number is never dialled, whoever asks; None: it may be."""
    rules = await queries.prefixes_of(session, e164.removeprefix("+"))
    return policy.find_refusal(e164, country, [PrefixRule(rule.prefix, rule.allowed) for rule in rules])


async def _find_refusal_of_number(session: AsyncSession, wanted: CallOut, home: Home, at: datetime) -> Refusal | None:
    refusal = await find_prefix_refusal(session, wanted.e164, home.country)
    if refusal is None and not wanted.confirmed and await do_not_call.find_entry(session, wanted.e164, at) is not None:
        return Refusal.DO_NOT_CALL
    return refusal


async def take_place(session: AsyncSession, wanted: CallOut, home: Home, at: datetime) -> Refusal | None:
    """Count the dial that comes now; the caller commits before dialling. A refusal takes nothing and is reported."""
    refusal = await _find_refusal_of_number(session, wanted, home, at)
    if refusal is None:
        # a process that freezes from here on must not hold the total against everybody
        await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '1s'"))
        refusal = await _take(session, wanted, _day(home, at))
    if refusal is not None:
        await report_refusal(session, wanted, refusal)
    return refusal


async def take_places(session: AsyncSession, numbers: Collection[str], home: Home, at: datetime) -> dict[str, Refusal]:
    """Count the dials of a campaign to these numbers; why not, of those that are refused and must not be dialled.

    A campaign's dials have their own limits (callcenter.campaigns.governor): of those here only a number's own counts.
    """
    refused = await list_refused(session, numbers, home, at)
    wanted = sorted(set(numbers) - refused.keys())
    limit = (await get_limits(session)).number_daily
    taken = await queries.take_of_numbers(session, _day(home, at), wanted, limit=limit)
    return refused | {number: Refusal.NUMBER_LIMIT for number in wanted if number not in taken}


async def find_refusals(
    session: AsyncSession, numbers: Collection[str], home: Home, at: datetime
) -> dict[str, Refusal]:
    """What :func:`take_places` would say now; no place is taken."""
    refused = await list_refused(session, numbers, home, at)
    limit = (await get_limits(session)).number_daily
    wanted = set(numbers) - refused.keys()
    taken = await queries.taken_of_numbers(session, _day(home, at), wanted)
    return refused | {number: Refusal.NUMBER_LIMIT for number in wanted if taken.get(number, 0) >= limit}


async def list_refused(session: AsyncSession, numbers: Collection[str], home: Home, at: datetime) -> dict[str, Refusal]:
    """Of these numbers, why not, of those to which nothing goes from here by itself, no text message either."""
    prefixes = [PrefixRule(rule.prefix, rule.allowed) for rule in await queries.all_prefixes(session)]
    refused = {number: why for number in numbers if (why := policy.find_refusal(number, home.country, prefixes))}
    listed = await do_not_call.list_listed(session, numbers, at)
    return refused | dict.fromkeys(listed - refused.keys(), Refusal.DO_NOT_CALL)


async def _take(session: AsyncSession, wanted: CallOut, day: date) -> Refusal | None:
    """All of its places or none; always in the same order, the total last, so that nobody waits in a circle."""
    budgets = _budgets(wanted, await get_limits(session))
    places = await session.begin_nested()
    for full, key, limit in budgets:
        if not await queries.take(session, day, key, limit=limit):
            await places.rollback()
            return full
    await places.commit()
    return None


async def report_refusal(session: AsyncSession, wanted: CallOut, refusal: Refusal) -> None:
    """Alarm: somebody may be trying to have us pay. Not for what is no number at all, nor for who wants no calls."""
    if refusal in (Refusal.NOT_A_NUMBER, Refusal.DO_NOT_CALL):
        return
    is_total = refusal is Refusal.TOTAL_LIMIT
    await raise_alarm(
        session,
        ALARM,
        key=refusal.value if is_total else f"{refusal.value}:{wanted.shown_asker}",
        severity="critical" if is_total else "warning",
        reason=refusal.value,
        asker=wanted.shown_asker,
        number=masked(wanted.e164),
    )


def _budgets(wanted: CallOut, limits: Limits) -> tuple[tuple[Refusal, queries.CountKey, int], ...]:
    return (
        (Refusal.NUMBER_LIMIT, ("number", wanted.e164), limits.number_daily),
        (Refusal.ASKER_LIMIT, ("asker", wanted.asker), limits.asker_daily),
        (Refusal.TOTAL_LIMIT, ("total", ""), limits.total_daily),
    )


def _day(home: Home, at: datetime) -> date:
    return at.astimezone(home.zone).date()


async def purge_counts(session: AsyncSession, at: datetime) -> int:
    """Away with the counts of days long past; returns how many."""
    return await queries.purge_counts(session, (at - timedelta(days=KEEP_COUNTS_DAYS)).date())


# -- what the hospital allows


async def get_limits(session: AsyncSession) -> Limits:
    found = await queries.find_limits(session)
    return Limits(found.number_daily, found.asker_daily, found.total_daily) if found else DEFAULT_LIMITS


async def put_limits(session: AsyncSession, actor: Actor, limits: Limits) -> None:
    """From the next dial on."""
    values = {
        "number_daily": limits.number_daily,
        "asker_daily": limits.asker_daily,
        "total_daily": limits.total_daily,
    }
    await queries.put_limits(session, values)
    record_audit(session, actor, "callouts.put_limits", limits=values)


async def put_prefix(session: AsyncSession, actor: Actor, rule: PrefixRule, note: str) -> CallOutPrefix:
    """Allow or forbid what begins so, from the next dial on."""
    values = {"allowed": rule.allowed, "note": note, "changed_at": now(), "changed_by": actor.name}
    row = await queries.put_prefix(session, rule.prefix, values)
    record_audit(session, actor, "callouts.put_prefix", subject_id=rule.prefix, allowed=rule.allowed)
    return row


async def remove_prefix(session: AsyncSession, actor: Actor, prefix: str) -> None:
    """Raises PrefixNotFound."""
    if not await queries.delete_prefix(session, prefix):
        raise PrefixNotFound
    record_audit(session, actor, "callouts.remove_prefix", subject_id=prefix)
