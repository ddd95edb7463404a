"""Who calls: the questions a flow asks of the patients' tables, each within the limit of a running call."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Protocol

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.clock import Clock, now
from callcenter.core.db import Database
from callcenter.ivr.limits import limited
from callcenter.patients import code_guard
from callcenter.patients.code_guard import CodeLimits, Guess, Origin
from callcenter.patients.service import CallerIdentity, RecognisedPatient, recognise_caller

ANSWER_SECONDS = 0.3
"""No sooner is a code answered, so that the time tells nothing; several times what the work takes."""


class Refusal(Enum):
    """Why a code does not verify."""

    WRONG = "wrong"
    """Not the code of the card, or there is no such card: nobody is told which."""
    LOCKED = "locked"
    """Too many were wrong of late; this one was not looked at."""


Verification = RecognisedPatient | Refusal


class Callers(Protocol):
    async def recognise(self, e164: str | None) -> CallerIdentity:
        """The patients of this number: a hint, never a proof. Raises DatabaseAway."""

    async def verify(self, origin: Origin, code: SecretStr) -> Verification:
        """The patient of the caller's number whose card has this check code. Raises DatabaseAway."""

    async def verify_card(self, origin: Origin, digits: SecretStr, code: SecretStr) -> Verification:
        """The patient whose card number has these digits and whose check code is ``code``. Raises DatabaseAway."""


class DatabaseCallers:
    """:class:`Callers` in PostgreSQL. ``check_code_key``: see callcenter.core.secrets.

    ``answer_seconds``: no verification takes less.
    """

    def __init__(
        self,
        database: Database,
        check_code_key: str,
        limits: CodeLimits,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        clock: Clock = now,
    ) -> None:
        self._database = database
        self._key = check_code_key
        self._limits = limits
        self._answer_seconds = answer_seconds
        self._clock = clock

    async def recognise(self, e164: str | None) -> CallerIdentity:
        return await limited(self._recognise(e164))

    async def verify(self, origin: Origin, code: SecretStr) -> Verification:
        def begin(session: AsyncSession) -> Awaitable[Guess | None]:
            return code_guard.guess_at_number(session, origin, limits=self._limits, key=self._key, at=self._clock())

        return await self._in_constant_time(begin, code)

    async def verify_card(self, origin: Origin, digits: SecretStr, code: SecretStr) -> Verification:
        def begin(session: AsyncSession) -> Awaitable[Guess | None]:
            return code_guard.guess_at_card(
                session, origin, digits.get_secret_value(), limits=self._limits, key=self._key, at=self._clock()
            )

        return await self._in_constant_time(begin, code)

    async def _recognise(self, e164: str | None) -> CallerIdentity:
        async with self._database.transaction() as session:
            return await recognise_caller(session, e164)

    async def _in_constant_time(
        self, begin: Callable[[AsyncSession], Awaitable[Guess | None]], code: SecretStr
    ) -> Verification:
        loop = asyncio.get_running_loop()
        answer_at = loop.time() + self._answer_seconds
        verification = await limited(self._verify(begin, code))
        await asyncio.sleep(answer_at - loop.time())
        return verification

    async def _verify(self, begin: Callable[[AsyncSession], Awaitable[Guess | None]], code: SecretStr) -> Verification:
        async with self._database.transaction() as session:
            guess = await begin(session)
        if guess is None:
            return Refusal.LOCKED
        patient = guess.owner_of(code.get_secret_value(), self._key)
        if patient is None:
            return Refusal.WRONG
        async with self._database.transaction() as session:
            await code_guard.give_back(session, guess, limits=self._limits)
        return patient
