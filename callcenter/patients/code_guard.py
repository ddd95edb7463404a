"""How often check codes may be guessed: budgets of a card, a caller's number, a trunk, and of the whole line.

A guess takes a place in each of its budgets *before* its code is compared, and gives them back if the code was right.
So however many guess at the same moment, no more than a budget's limit are wrong in any window; and a process that
dies in between has counted one too many, never one too few (docs/decisions/0020-guesses-take-a-place-first.md).
A card that does not exist is counted and locked like one that does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from uuid import UUID

from sqlalchemy import Executable, text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.alarms import raise_alarm
from callcenter.core.audit import Actor, record_audit
from callcenter.core.config import Settings
from callcenter.core.security import codes_equal, keyed_code_hash
from callcenter.patients import queries
from callcenter.patients.errors import PatientNotFound
from callcenter.patients.models import CodeCounter
from callcenter.patients.service import RecognisedPatient, recognised

ALARM = "code_budget_used_up"

MAX_CARDS_CHECKED = 10
"""More cards than this (of a ward's switchboard) one code cannot tell apart: none of them is meant."""
_LEAST_CODES_CHECKED = 4
"""A caller without a card costs the same work as one with up to this many."""


# -- the rule


class Scope(StrEnum):
    """Whose wrong codes are counted together."""

    CARD = "card"
    CALLER = "caller"
    TRUNK = "trunk"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class CodeLimits:
    """How many codes may be wrong in one ``window``."""

    card: int = 5
    caller: int = 10
    trunk: int = 100
    line: int = 300
    window: timedelta = timedelta(minutes=15)

    @classmethod
    def of(cls, settings: Settings) -> "CodeLimits":
        return cls(
            card=settings.check_code_limit_card,
            caller=settings.check_code_limit_caller,
            trunk=settings.check_code_limit_trunk,
            line=settings.check_code_limit_line,
            window=timedelta(minutes=settings.check_code_window_minutes),
        )

    def budget(self, scope: Scope, failed_at: Sequence[datetime] = ()) -> "Budget":
        limits = {Scope.CARD: self.card, Scope.CALLER: self.caller, Scope.TRUNK: self.trunk, Scope.LINE: self.line}
        return Budget(limits[scope], self.window, tuple(failed_at))


@dataclass(frozen=True, slots=True)
class Budget:
    """The latest wrong codes of one subject, in order of time; pure."""

    limit: int
    window: timedelta
    failed_at: tuple[datetime, ...] = ()

    @property
    def locked_until(self) -> datetime | None:
        """When ``limit`` codes were wrong within a window: one window after the last of them."""
        latest = self.failed_at[-self.limit :]
        if len(latest) < self.limit or latest[-1] - latest[0] >= self.window:
            return None
        return latest[-1] + self.window

    def is_locked(self, at: datetime) -> bool:
        return self.locked_until is not None and at < self.locked_until

    def take(self, at: datetime) -> "Budget":
        """One more, taken for wrong until it is given back. What is older than ``limit`` others counts no longer."""
        return replace(self, failed_at=tuple(sorted((*self.failed_at, at)))[-self.limit :])

    def give_back(self, at: datetime) -> "Budget":
        """Without one that was taken at ``at``; unchanged if staff have unlocked the card meanwhile."""
        left = list(self.failed_at)
        if at in left:
            left.remove(at)
        return replace(self, failed_at=tuple(left))


# -- guesses


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a guess comes from. ``e164``: None for a withheld number, all of which share one budget."""

    e164: str | None
    trunk: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A card that the guess may open."""

    number: str
    check_code_hash: bytes
    patient: RecognisedPatient


@dataclass(frozen=True, slots=True)
class Guess:
    """A guess that has its places: now its code may be compared."""

    candidates: tuple[Candidate, ...]
    places: tuple[queries.CounterKey, ...]
    at: datetime

    def owner_of(self, code: str, key: str) -> RecognisedPatient | None:
        """Whose card has this code. ``key``: the secret ``check_code_key``.

        Every card is compared, in constant time, and never fewer than four: a caller without a card costs the
        same work.
        """
        found: RecognisedPatient | None = None
        for one in self.candidates:
            right = codes_equal(one.check_code_hash, keyed_code_hash(code, owner=one.number, key=key))
            found = one.patient if right and found is None else found
        for _ in range(len(self.candidates), _LEAST_CODES_CHECKED):
            codes_equal(b"\x00" * 32, keyed_code_hash(code, owner="no card", key=key))
        return found


async def guess_at_number(
    session: AsyncSession, origin: Origin, *, limits: CodeLimits, key: str, at: datetime
) -> Guess | None:
    """Begin to guess at the cards of the caller's own number; None when a budget is used up.

    Commit before :meth:`Guess.owner_of`. A wrong code counts against each card of the number; if one of them is
    locked, so are all.
    """
    cards = partial(queries.active_cards_of_number, origin.e164 or "", limit=MAX_CARDS_CHECKED + 1)
    return await _begin(session, origin, cards, f"number:{origin.e164}", limits=limits, key=key, at=at)


async def guess_at_card(
    session: AsyncSession, origin: Origin, digits: str, *, limits: CodeLimits, key: str, at: datetime
) -> Guess | None:
    """As :func:`guess_at_number`, at the card whose number has these ``digits``, whoever's number calls."""
    cards = partial(queries.active_cards_of_digits, digits, limit=MAX_CARDS_CHECKED + 1)
    return await _begin(session, origin, cards, f"card:{digits}", limits=limits, key=key, at=at)


async def give_back(session: AsyncSession, guess: Guess, *, limits: CodeLimits) -> None:
    """The code was right: it does not count."""
    for counter in await queries.lock_code_counters(session, guess.places):
        _store(counter, limits.budget(Scope(counter.scope), counter.failed_at).give_back(guess.at))


async def _begin(
    session: AsyncSession,
    origin: Origin,
    cards: Callable[[], Executable],
    nobody: str,
    *,
    limits: CodeLimits,
    key: str,
    at: datetime,
) -> Guess | None:
    """The same statements whether there is a card or not. ``nobody``: what is counted in its stead.

    Before any lock is taken it is looked whether one is needed: a flood that is refused writes nothing.
    """
    around = _places_around(origin, key)
    if await queries.any_counter_locked(session, around, at):
        return None
    candidates = tuple(
        Candidate(card.number, card.check_code_hash, recognised(patient, head_start))
        for card, patient, head_start in await session.execute(cards())
    )
    if len(candidates) > MAX_CARDS_CHECKED:
        candidates = ()
    no_card = _hashed(nobody, key)
    of_cards = [(Scope.CARD.value, card) for card in [one.number for one in candidates] or [no_card]]
    if await queries.any_counter_locked(session, of_cards, at):
        return None
    places = (*of_cards, *around)
    # a process that freezes from here on must not hold the line's counter against everybody
    await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '1s'"))
    counters = await queries.make_code_counters(session, places, at)
    budgets = [(counter, limits.budget(Scope(counter.scope), counter.failed_at)) for counter in counters]
    if any(budget.is_locked(at) for _, budget in budgets):
        return None  # somebody took the last place meanwhile
    for counter, before in budgets:
        budget = before.take(at)
        _store(counter, budget)
        if budget.is_locked(at) and counter.scope in (Scope.TRUNK, Scope.LINE):
            name = f"{counter.scope}:{counter.subject}".rstrip(":")
            await raise_alarm(session, ALARM, key=name, severity="critical", limit=budget.limit)
    return Guess(candidates, places, at)


def _places_around(origin: Origin, key: str) -> tuple[queries.CounterKey, ...]:
    """Where every guess of this origin counts, whatever card it is at."""
    return (
        (Scope.CALLER.value, _hashed(origin.e164 or "withheld", key)),
        (Scope.TRUNK.value, origin.trunk),
        (Scope.LINE.value, ""),
    )


def _hashed(subject: str, key: str) -> str:
    return keyed_code_hash(subject, owner="code_guard:subject", key=key).hex()


def _store(counter: CodeCounter, budget: Budget) -> None:
    counter.failed_at = list(budget.failed_at)
    counter.locked_until = budget.locked_until


# -- staff


async def list_locked_cards(
    session: AsyncSession, actor: Actor, *, at: datetime, after: UUID | None, limit: int
) -> tuple[Sequence[queries.LockedCards], bool]:
    """Up to ``limit`` patients with locked cards, each of whom counts as looked at, and whether there are more."""
    found = await queries.locked_cards(session, Scope.CARD, at, after=after, limit=limit + 1)
    page = found[:limit]
    for one in page:
        record_audit(session, actor, "patients.list_locked_cards", patient_id=one.patient_id)
    return page, len(found) > limit


async def unlock_cards(session: AsyncSession, actor: Actor, patient_id: UUID, *, at: datetime) -> int:
    """Forget the wrong codes of all cards of the patient; how many cards were locked. Raises PatientNotFound.

    The budgets of the number that called, of its trunk and of the line stay as they are.
    """
    if await queries.find_patient(session, patient_id) is None:
        raise PatientNotFound
    cards = [(Scope.CARD.value, card.number) for card in await queries.cards_of(session, patient_id)]
    unlocked = 0
    for counter in await queries.lock_code_counters(session, cards):
        unlocked += counter.locked_until is not None and at < counter.locked_until
        counter.failed_at, counter.locked_until = [], None
    record_audit(session, actor, "patients.unlock_cards", patient_id=patient_id, unlocked=unlocked)
    return unlocked


async def purge_counters(session: AsyncSession, *, limits: CodeLimits, at: datetime) -> None:
    """Away with counters whose last wrong code can lock nothing any more."""
    await queries.purge_code_counters(session, at - 2 * limits.window)
