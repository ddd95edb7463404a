"""Who calls in a simulation."""

from collections.abc import Mapping
from typing import Literal, get_args
from uuid import UUID

from pydantic import SecretStr

from callcenter.ivr.callers import Refusal, Verification
from callcenter.ivr.errors import DatabaseAway
from callcenter.patients.code_guard import Origin
from callcenter.patients.service import CallerIdentity, RecognisedPatient

CallerKind = Literal["unknown", "known", "vip", "family", "locked", "away"]
"""Who calls; ``family``: a VIP and another patient share the number; ``locked``: a VIP for whom no code is taken
any more; ``away``: the database does not answer."""
CALLER_KINDS: tuple[CallerKind, ...] = get_args(CallerKind)

CHECK_CODE, FAMILY_CHECK_CODE = "123456", "654321"
"""The simulated VIP's, and that of the other patient of a family."""
CARD_DIGITS, FAMILY_CARD_DIGITS = "00000001", "00000002"
"""What they key in of their card's number."""


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
    "locked": (_VIP,),
}
_OWNER_OF_CODE = {CHECK_CODE: _VIP, FAMILY_CHECK_CODE: _OTHER}
_OWNER_OF_CARD = {CARD_DIGITS: _VIP, FAMILY_CARD_DIGITS: _OTHER}


class SimulatedCallers:
    """Callers without a database."""

    def __init__(self, kind: CallerKind) -> None:
        self._kind = kind

    async def recognise(self, e164: str | None) -> CallerIdentity:
        return CallerIdentity(e164, self._patients())

    async def verify(self, origin: Origin, code: SecretStr) -> Verification:
        owner = _OWNER_OF_CODE.get(code.get_secret_value())
        return self._verification(owner if owner in self._patients() else None)

    async def verify_card(self, origin: Origin, digits: SecretStr, code: SecretStr) -> Verification:
        self._patients()
        owner = _OWNER_OF_CODE.get(code.get_secret_value())
        return self._verification(owner if owner is _OWNER_OF_CARD.get(digits.get_secret_value()) else None)

    def _verification(self, owner: RecognisedPatient | None) -> Verification:
        if self._kind == "locked":
            return Refusal.LOCKED
        return owner or Refusal.WRONG

    def _patients(self) -> tuple[RecognisedPatient, ...]:
        if self._kind == "away":
            raise DatabaseAway
        return _PATIENTS.get(self._kind, ())
