"""Every branch of our flows, as a transcript of what the caller hears and the ledger and dialplan are told.

``CALLCENTER_WRITE_GOLDEN=1 pytest tests/flows`` writes the transcripts anew; read the difference before committing.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callcenter.ivr.flow import FlowSet
from callcenter.ivr.flow_files import check, load
from callcenter.ivr.prompts import load_prompts
from callcenter.ivr.simulation.callers import CallerKind
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.run import converse
from callcenter.ivr.simulation.services import simulated_services
from callcenter.ivr.steps.menu import Menu
from callcenter.ivr.steps.queue import Queue
from tests.support.flows import FLOWS_DIR, PROMPTS_DIR, QUEUES

GOLDEN = Path(__file__).parent / "golden"

CALLS: list[tuple[str, str, CallerKind, str]] = [
    # name of the transcript, number, who calls, what the caller does
    ("unknown_information", "8000", "unknown", "1 1 2 3 * 1 0 answered"),
    ("unknown_silent_reaches_person", "8000", "unknown", "- - - answered"),
    ("unknown_wrong_keys_reach_person", "8000", "unknown", "7 # 8 answered"),
    ("unknown_wrong_key_then_right", "8000", "unknown", "7 - 2 answered"),
    ("unknown_person_by_zero", "8000", "unknown", "0 answered"),
    ("unknown_nobody_answers", "8000", "unknown", "0 timeout"),
    ("unknown_queue_full", "8000", "unknown", "0 full"),
    ("unknown_nobody_there", "8000", "unknown", "0 joinempty"),
    ("unknown_leaves_queue_by_key", "8000", "unknown", "0 key 1 !"),
    ("unknown_gives_up_waiting", "8000", "unknown", "0 !"),
    ("unknown_gives_up_in_menu", "8000", "unknown", "!"),
    ("unknown_expert", "8000", "unknown", "3 answered"),
    ("unknown_expert_nobody_answers", "8000", "unknown", "3 timeout"),
    ("unknown_complaint", "8000", "unknown", "4 answered"),
    ("unknown_bill", "8000", "unknown", "5 answered"),
    ("unknown_english", "8000", "unknown", "9 0 answered"),
    ("unknown_information_silent", "8000", "unknown", "1 - - - answered"),
    ("unknown_information_wrong_keys", "8000", "unknown", "1 9 9 9 answered"),
    ("known_person", "8000", "known", "2 answered"),
    ("vip_right_code", "8000", "vip", "123456 answered"),
    ("vip_right_at_second_try", "8000", "vip", "111111 123456# answered"),
    ("vip_wrong_code", "8000", "vip", "111111 222222 333333 2 answered"),
    ("vip_skips_code", "8000", "vip", "# 2 answered"),
    ("vip_silent_at_code", "8000", "vip", "- 2 answered"),
    ("vip_hangs_up_at_code", "8000", "vip", "!"),
    ("vip_locked_reaches_person", "8000", "locked", "123456 answered"),
    ("vip_overflows_to_everybody", "8000", "vip", "123456 timeout answered"),
    ("vip_complains", "8000", "vip", "123456 key 4 answered"),
    ("vip_takes_the_rest_of_the_keys", "8000", "vip", "123456 key 3 key 5 key 1 * 0 key 5 timeout"),
    ("family_without_vip_card", "8000", "family", "654321 2 answered"),
    ("family_vip_card", "8000", "family", "123456 answered"),
    ("database_away_person", "8000", "away", "2 answered"),
    ("database_away_complaint", "8001", "away", "answered"),
    ("complaint_line", "8001", "known", "answered"),
    ("complaint_line_nobody_answers", "8001", "unknown", "timeout"),
    ("complaint_line_gives_up", "8001", "unknown", "!"),
    ("complaint_line_key", "8001", "unknown", "key"),
    ("expert_line", "8002", "vip", "answered"),
    ("expert_line_nobody_answers", "8002", "unknown", "timeout"),
    ("expert_line_key", "8002", "known", "key"),
    ("complaint_line_vip", "8001", "vip", "!"),
    ("number_without_flow", "8009", "known", ""),
]

AT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def flows() -> FlowSet:
    return load(FLOWS_DIR, PROMPTS_DIR, QUEUES)


async def transcript(flows: FlowSet, number: str, caller: CallerKind, script: str) -> str:
    line = SimulatedLine(number, "+8613800000001", scripted(script), lambda _text: None, None)
    await converse(line, flows, simulated_services(caller), lambda: AT)
    text = "\n".join(line.transcript) + "\n"
    for flow in flows.flows.values():
        text = text.replace(flow.revision, "REVISION")
    return text


@pytest.mark.parametrize(("name", "number", "caller", "script"), CALLS, ids=[call[0] for call in CALLS])
async def test_transcript(flows: FlowSet, name: str, number: str, caller: CallerKind, script: str) -> None:
    heard = f"# {caller} caller to {number}: {script}\n" + await transcript(flows, number, caller, script)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("CALLCENTER_WRITE_GOLDEN"):
        path.write_text(heard, "utf-8")
    assert heard == path.read_text("utf-8")


def test_no_transcript_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {call[0] for call in CALLS}


async def test_every_branch_is_walked(flows: FlowSet) -> None:
    """Each outcome of each step of each flow stands in one of the transcripts."""
    walked = ""
    for _, number, caller, script in CALLS:
        walked += await transcript(flows, number, caller, script)
    names = {"*": "star", "#": "hash"}
    missing = [
        f"{flow.name}/{step}:{outcome}"
        for flow in flows.flows.values()
        for step, outcome, _ in flow.edges()
        if f"flow={flow.name}:step={step}:outcome={names.get(outcome, outcome)}\n" not in walked
    ]
    assert missing == ["main/whose_code:unknown"]  # whoever has a right code is known


def test_our_flows_are_valid() -> None:
    assert check(FLOWS_DIR, PROMPTS_DIR, QUEUES) == []


def test_zero_leads_to_a_person_at_every_level(flows: FlowSet) -> None:
    """Issue: 0 everywhere. And whoever presses nothing, or nothing right, reaches a person too."""
    menus = 0
    for flow in flows.flows.values():
        for step in flow.steps.values():
            if isinstance(step, Menu):
                menus += 1
                for outcome in ("0", "timeout", "invalid"):
                    target = flow.steps[step.outcomes[outcome]]
                    while not isinstance(target, Queue):
                        target = flow.steps[target.routes()["next"]]
                    assert target.queue == "consultation"
    assert menus == 2


def test_the_complaint_is_recorded_only_after_the_notice(flows: FlowSet) -> None:
    for path in GOLDEN.glob("*complain*.txt"):
        text = path.read_text("utf-8")
        assert text.index("say complaint_notice") < text.index("record ") < text.index("queue complaint")


def test_what_the_flows_play_has_audio_in_both_languages(flows: FlowSet) -> None:
    prompts = load_prompts(PROMPTS_DIR)
    played = {prompt for flow in flows.flows.values() for step in flow.steps.values() for prompt in step.prompt_ids()}
    assert len(played) > 10
    for prompt_id in played:
        assert prompts.duration_seconds(prompt_id, "zh") > 0
        assert prompts.duration_seconds(prompt_id, "en") > 0
