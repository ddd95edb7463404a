"""Whom a check code opens the line to."""

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.clock import now
from callcenter.patients.code_guard import CodeLimits, Origin, guess_at_number
from callcenter.patients.service import RecognisedPatient


async def owner_of_code(session: AsyncSession, *, e164: str, code: str, key: str) -> RecognisedPatient | None:
    """One guess from this number, within its budgets."""
    guess = await guess_at_number(session, Origin(e164, "trunk"), limits=CodeLimits(), key=key, at=now())
    assert guess is not None
    return guess.owner_of(code, key)
