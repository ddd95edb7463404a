"""What ``callcenter flow check | show | simulate`` are made of."""

from pathlib import Path

import pytest

from callcenter.core.errors import InvalidInput
from callcenter.ivr.flow_files import check, load, mermaid, show
from callcenter.ivr.prompts import load_prompts
from callcenter.ivr.simulation.line import scripted
from callcenter.ivr.simulation.run import simulate
from tests.support.flows import FLOWS_DIR, PROMPTS_DIR, QUEUES, flow_set

FLOW = """\
entry: ["1"]
start: choice
steps:
  choice: {menu: choose, outcomes: {"#": person, timeout: other, invalid: other}}
  person: {queue: people, max_wait_seconds: 30, outcomes: {answered: bye, overflowed: bye, key: choice}}
  other: {goto_flow: g}
  bye: {hangup: true}
"""
OTHER = "start: bye\nsteps:\n  bye: {hangup: true}\n"


def test_check_tells_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("flow: f\nstart: a\nsteps:\n  a: {say: greeting, next: b}\n")
    assert [str(problem) for problem in check(tmp_path, PROMPTS_DIR)] == [
        "f.yaml:4: there is no step 'b' [unknown-target]"
    ]


def test_check_of_a_folder_without_flows_is_a_problem(tmp_path: Path) -> None:
    assert [problem.code for problem in check(tmp_path, PROMPTS_DIR)] == ["no-flows"]
    assert [problem.code for problem in check(tmp_path / "absent", PROMPTS_DIR)] == ["no-flows"]


def test_a_queue_that_does_not_exist_is_found() -> None:
    problems = check(FLOWS_DIR, PROMPTS_DIR, QUEUES - {"vip"})
    assert [(problem.file, problem.code) for problem in problems] == [("vip.yaml", "unknown-queue")]


def test_show_has_each_step_and_route() -> None:
    flow = flow_set(f=FLOW, g=OTHER).flows["f"]
    assert show(flow).splitlines() == [
        f"f  revision {flow.revision}  numbers 1  start choice",
        "  choice: menu choose",
        "             # > person",
        "       timeout > other",
        "       invalid > other",
        "  person: queue people",
        "      answered > bye",
        "    overflowed > bye",
        "           key > choice",
        "  other: goto_flow g",
        "  bye: hangup",
    ]


def test_mermaid_has_each_route() -> None:
    chart = mermaid(flow_set(f=FLOW, g=OTHER).flows["f"]).splitlines()
    assert chart[0] == "flowchart TD"
    assert '  choice -->|"hash"| person' in chart
    assert "  other --> flow_g([g])" in chart


async def test_simulate_shows_what_is_said_in_both_languages() -> None:
    told: list[str] = []
    flows = load(FLOWS_DIR, PROMPTS_DIR, QUEUES)
    transcript = await simulate(flows, "8002", scripted(""), texts=load_prompts(PROMPTS_DIR), out=told.append)
    assert told == transcript
    at = transcript.index("say expert_notice")
    assert transcript[at + 1].startswith("    zh: 您选择的是专家热线")
    assert transcript[at + 2].startswith("    en: You have chosen the expert line")
    assert transcript[-2:] == ["dialplan: queue consultation", "caller hangs up"]


async def test_nothing_typed_is_silence_and_no_key_is_told() -> None:
    flows = flow_set(f=FLOW, g=OTHER)
    silent = await simulate(flows, "1", lambda _question: "")
    assert silent.count("silence 6 s") == 3
    with pytest.raises(InvalidInput, match="'12' is no key"):
        await simulate(flows, "1", scripted("12"))
