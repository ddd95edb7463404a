"""Who calls: the two questions a flow asks of the patients' tables, each within the limit of a running call."""

from typing import Protocol

from pydantic import SecretStr

from callcenter.core.db import Database
from callcenter.ivr.limits import limited
from callcenter.patients.service import CallerIdentity, RecognisedPatient, recognise_caller, verify_check_code


class Callers(Protocol):
    async def recognise(self, e164: str | None) -> CallerIdentity:
        """The patients of this number: a hint, never a proof. Raises DatabaseAway."""

    async def verify(self, e164: str, code: SecretStr) -> RecognisedPatient | None:
        """The patient of this number whose card has this check code. Raises DatabaseAway."""


class DatabaseCallers:
    """:class:`Callers` in PostgreSQL. ``check_code_key``: see callcenter.core.secrets."""

    def __init__(self, database: Database, check_code_key: str) -> None:
        self._database = database
        self._check_code_key = check_code_key

    async def recognise(self, e164: str | None) -> CallerIdentity:
        return await limited(self._recognise(e164))

    async def verify(self, e164: str, code: SecretStr) -> RecognisedPatient | None:
        return await limited(self._verify(e164, code))

    async def _recognise(self, e164: str | None) -> CallerIdentity:
        async with self._database.transaction() as session:
            return await recognise_caller(session, e164)

    async def _verify(self, e164: str, code: SecretStr) -> RecognisedPatient | None:
        async with self._database.transaction() as session:
            return await verify_check_code(session, e164=e164, code=code.get_secret_value(), key=self._check_code_key)
