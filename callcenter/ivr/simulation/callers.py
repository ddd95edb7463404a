"""Who calls in a simulation."""

from collections.abc import Mapping
from typing import Literal, get_args
from uuid import UUID

from pydantic import SecretStr

from callcenter.ivr.errors import DatabaseAway
from callcenter.patients.service import CallerIdentity, RecognisedPatient

CallerKind = Literal["unknown", "known", "vip", "family", "away"]
"""Who calls; ``family``: a VIP and another patient share the number; ``away``: the database does not answer."""
CALLER_KINDS: tuple[CallerKind, ...] = get_args(CallerKind)

CHECK_CODE, FAMILY_CHECK_CODE = "123456", "654321"
"""The simulated VIP's, and that of the other patient of a family."""


def _patient(number: int, name: str, vip_grade: str | None) -> RecognisedPatient:
    return RecognisedPatient(
        id=UUID(int=number),
        name=name,
        language="zh",
        vip_grade=vip_grade,
        head_start_seconds=600 if vip_grade else 0,
        deceased=False,
        responsible_doctor_id=None,
    )


_VIP, _OTHER = _patient(1, "张三", "gold"), _patient(2, "李四", None)

_PATIENTS: Mapping[CallerKind, tuple[RecognisedPatient, ...]] = {
    "known": (_OTHER,),
    "vip": (_VIP,),
    "family": (_VIP, _OTHER),
}


class SimulatedCallers:
    """Callers without a database."""

    def __init__(self, kind: CallerKind) -> None:
        self._kind = kind

    async def recognise(self, e164: str | None) -> CallerIdentity:
        return CallerIdentity(e164, self._patients())

    async def verify(self, e164: str, code: SecretStr) -> RecognisedPatient | None:
        owner = {CHECK_CODE: _VIP, FAMILY_CHECK_CODE: _OTHER}.get(code.get_secret_value())
        return owner if owner in self._patients() else None

    def _patients(self) -> tuple[RecognisedPatient, ...]:
        if self._kind == "away":
            raise DatabaseAway
        return _PATIENTS.get(self._kind, ())
