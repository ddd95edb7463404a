"""A caller's number can be forged: who shows a VIP's number hears nothing personal and gains nothing (issue 3, 2)."""

import pytest

from callcenter.ivr.flow import FlowSet
from callcenter.ivr.flow_files import load
from callcenter.ivr.prompts import load_prompts
from callcenter.ivr.simulation.callers import CallerKind
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.run import converse
from callcenter.ivr.simulation.services import simulated_services
from tests.support.flows import FLOWS_DIR, PROMPTS_DIR, QUEUES

NAMES = ("张三", "李四")


@pytest.fixture(scope="module")
def flows() -> FlowSet:
    return load(FLOWS_DIR, PROMPTS_DIR, QUEUES)


async def called(flows: FlowSet, kind: CallerKind, script: str) -> SimulatedLine:
    line = SimulatedLine("8000", "+8613800000001", scripted(script), lambda _text: None, None)
    await converse(line, flows, simulated_services(kind))
    return line


def parked(line: SimulatedLine) -> dict[str, str]:
    """With what the caller entered the (last) queue."""
    names = ("CC_QUEUE", "CC_HEAD_START", "CC_VERIFIED")
    return {name: line.variables.get(name, "") for name in names}


FORGED: list[tuple[CallerKind, str]] = [
    ("vip", "111111 222222 333333 0 answered"),
    ("vip", "# 0 answered"),
    ("vip", "- 0 answered"),
    ("family", "111111 222222 333333 0 answered"),
    ("known", "0 answered"),
    ("locked", "123456 answered"),
]


@pytest.mark.parametrize(("kind", "script"), FORGED)
async def test_a_forged_number_is_queued_like_an_unknown_one(flows: FlowSet, kind: CallerKind, script: str) -> None:
    unknown = parked(await called(flows, "unknown", "0 answered"))
    assert unknown["CC_HEAD_START"] == "0"
    line = await called(flows, kind, script)
    assert "dialplan: answered" in line.transcript
    assert parked(line) == unknown
    assert {text for text in line.transcript if "CC_HEAD_START" in text} == {"set CC_HEAD_START=0"}


@pytest.mark.parametrize(("kind", "script"), [*FORGED, ("unknown", "0 answered"), ("away", "0 answered")])
async def test_before_the_code_everybody_hears_prompts_that_are_the_same_for_all(
    flows: FlowSet, kind: CallerKind, script: str
) -> None:
    line = await called(flows, kind, script)
    spoken = [text.split() for text in line.transcript if text.startswith(("say ", "menu ", "code "))]
    assert len(spoken) >= 2
    prompts = load_prompts(PROMPTS_DIR)
    for _, prompt_id, *_ in spoken:
        assert prompts.get(prompt_id)  # a fixed text: no audio made for a patient
    assert not any(name in text for text in line.transcript for name in NAMES)


async def test_with_the_right_code_the_same_caller_does_gain(flows: FlowSet) -> None:
    """So the comparisons above can fail."""
    line = await called(flows, "vip", "123456 - answered")
    assert (line.variables["CC_HEAD_START"], line.variables["CC_VERIFIED"]) == ("600", "1")
