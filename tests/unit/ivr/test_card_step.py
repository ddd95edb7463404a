"""Card number and check code keyed in: the same words whatever was wrong, the patient of the card afterwards."""

import pytest
import structlog
from pydantic import SecretStr

from callcenter.ivr.callers import Refusal, Verification
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.simulation.callers import CallerKind, SimulatedCallers
from callcenter.patients.code_guard import Origin
from tests.support.flows import flow_set
from tests.unit.ivr.test_steps import call, heard

CARD = """\
entry: ["1"]
start: card
steps:
  card:
    card: number
    code_prompt: code
    refused_prompt: wrong
    attempts: 2
    outcomes: {verified: who, refused: person, skipped: person, locked: person, unavailable: person}
  who: {recognise: caller, outcomes: {vip: person, known: person, unknown: person}}
  person: {queue: people, max_wait_seconds: 30, outcomes: {answered: bye, overflowed: bye, key: bye}}
  bye: {hangup: true}
"""
CODE = """\
entry: ["1"]
start: code
steps:
  code:
    check_code: ask
    refused_prompt: wrong
    attempts: 2
    outcomes: {verified: bye, refused: bye, skipped: bye, locked: bye%s}
  bye: {hangup: true}
"""
REFUSED_ONCE = ["code number", "digits ***", "code code", "digits ***", "say wrong"]


@pytest.mark.parametrize(
    ("kind", "script", "outcome"),
    [
        ("unknown", "00000001# 123456# !", "verified"),  # from anybody's telephone
        ("unknown", "00000001 654321 00000001 123456 !", "verified"),
        ("unknown", "00000001 654321 00000001 999999 !", "refused"),
        ("unknown", "99999999 123456 77777777 123456 !", "refused"),
        ("unknown", "# !", "skipped"),
        ("unknown", "- !", "skipped"),
        ("unknown", "00000001 # !", "skipped"),
        ("unknown", "00000001 999999 - !", "skipped"),
        ("locked", "00000001 123456 !", "locked"),
        ("away", "00000001 123456 !", "unavailable"),
    ],
)
async def test_outcomes(kind: CallerKind, script: str, outcome: str) -> None:
    line = await call(flow_set(f=CARD), script, SimulatedCallers(kind))
    assert f"ledger CC_STEP flow=f:step=card:outcome={outcome}" in line.transcript
    verified = outcome == "verified"
    assert line.variables["CC_VERIFIED"] == ("1" if verified else "")
    assert line.variables["CC_HEAD_START"] == ("600" if verified else "0")
    assert line.variables["CC_GRADE"] == ("gold" if verified else "") or kind == "locked"


@pytest.mark.parametrize("script", ["00000001 999999 !", "99999999 123456 !", "00000002 123456 !"])
async def test_an_unknown_card_and_a_wrong_code_sound_the_same(script: str) -> None:
    line = await call(flow_set(f=CARD), script, SimulatedCallers("vip"))
    assert heard(line) == [*REFUSED_ONCE, "code number"]


async def test_by_card_a_withheld_number_is_verified_too() -> None:
    line = await call(flow_set(f=CARD), "00000001 123456 !", caller_number="anonymous")
    assert (line.variables["CC_VERIFIED"], line.variables["CC_GRADE"]) == ("1", "gold")
    assert "ledger CC_STEP flow=f:step=who:outcome=vip" in line.transcript


async def test_on_a_familys_telephone_the_card_says_who_calls() -> None:
    line = await call(flow_set(f=CARD), "00000002 654321 !", SimulatedCallers("family"))
    assert (line.variables["CC_VERIFIED"], line.variables["CC_GRADE"]) == ("1", "")
    assert line.variables["CC_HEAD_START"] == "0"


@pytest.mark.parametrize("kind", ["unknown", "locked", "away"])
async def test_what_is_keyed_in_is_nowhere_afterwards(kind: CallerKind) -> None:
    with structlog.testing.capture_logs() as logs:
        line = await call(flow_set(f=CARD), "40506070 739182 00000001 123456 !", SimulatedCallers(kind))
    everything = repr((line.transcript, line.variables, logs))
    assert "40506070" not in everything
    assert "739182" not in everything
    assert "123456" not in everything


# -- check_code


class Trunks(SimulatedCallers):
    """Remembers where guesses came from."""

    def __init__(self) -> None:
        super().__init__("vip")
        self.origins: list[Origin] = []

    async def verify(self, origin: Origin, code: SecretStr) -> Verification:
        self.origins.append(origin)
        return await super().verify(origin, code)


async def test_a_guess_says_which_number_and_trunk_it_comes_from() -> None:
    callers = Trunks()
    await call(flow_set(f=CODE % ""), "111111 222222", callers)
    assert callers.origins == [Origin("+8613800000001", "")] * 2  # a simulated call comes over no trunk


async def test_locked_after_a_wrong_code_ends_the_step_at_once() -> None:
    class OnceMore(SimulatedCallers):
        tries = 0

        async def verify(self, origin: Origin, code: SecretStr) -> Verification:
            self.tries += 1
            return Refusal.WRONG if self.tries == 1 else Refusal.LOCKED

    line = await call(flow_set(f=CODE % ""), "111111 222222", OnceMore("vip"))
    assert heard(line) == ["code ask", "digits ***", "say wrong", "code ask", "digits ***"]
    assert "ledger CC_STEP flow=f:step=code:outcome=locked" in line.transcript


@pytest.mark.parametrize(
    ("routed", "script", "outcome"),
    [
        (", emergency: bye", "*", "emergency"),
        (", emergency: bye", "111111 *", "emergency"),
        (", emergency: bye", "12*456 123456", "verified"),
        ("", "* 123456", "verified"),  # no key of the flow: a wrong code
        ("", "* *", "refused"),
    ],
)
async def test_the_star_is_the_emergency_key_where_the_flow_says_so(routed: str, script: str, outcome: str) -> None:
    line = await call(flow_set(f=CODE % routed), script, SimulatedCallers("vip"))
    assert f"ledger CC_STEP flow=f:step=code:outcome={outcome}" in line.transcript


async def test_the_emergency_key_needs_no_database() -> None:
    class Away(SimulatedCallers):
        async def verify(self, origin: Origin, code: SecretStr) -> Verification:
            raise DatabaseAway

    line = await call(flow_set(f=CODE % ", emergency: bye"), "*", Away("vip"))
    assert "ledger CC_STEP flow=f:step=code:outcome=emergency" in line.transcript
