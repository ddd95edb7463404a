"""Flows that would strand a caller are refused before one calls: each reason with file, line and code."""

import inspect
import re
import textwrap
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcenter.ivr.checks import Known, bundle, compile_flows, unbundle
from callcenter.ivr.errors import FlowError
from callcenter.ivr.loading import plain, read_yaml
from callcenter.ivr.steps import STEP_TYPES
from tests.support.flows import flow_set, problems_of

KNOWN = Known(prompt_ids={"hello", "choose", "invalid_key", "no_input", "ask", "code_refused"}, queue_names={"people"})

GOOD = """\
flow: f
entry: ["8000", "*11"]
start: greet
steps:
  greet: {say: [hello, choose], next: choice}
  choice:
    menu: choose
    attempts: 2
    outcomes: {1: greet, "*": again, "#": again, timeout: wait, invalid: wait}
  again: {language: en, next: choice}
  wait: {queue: people, max_wait_seconds: 60, outcomes: {answered: bye, overflowed: bye, key: choice}}
  bye: {hangup: true}
"""


def with_step(text: str) -> str:
    """A flow with one more step on line 6, reached from the menu."""
    lines = GOOD.splitlines()
    lines[8] = lines[8].replace('"*": again', '"*": again, "5": odd')
    return "\n".join([*lines[:5], f"  odd: {text}", *lines[5:]])


def test_a_good_flow_has_no_problem() -> None:
    assert problems_of(GOOD, KNOWN) == []


STEP_PROBLEMS = [
    ("{sing: hello, next: bye}", "unknown-step-type"),
    ("{}", "unknown-step-type"),
    ("hello", "not-a-mapping"),
    ("{say: hello, menu: choose, next: bye}", "several-step-types"),
    ("{say: hello}", "missing-field"),
    ("{say: hello, next: bye, volume: 11}", "unknown-field"),
    ("{say: [], next: bye}", "invalid-value"),
    ("{say: hello, next: [bye]}", "invalid-value"),
    ("{say: Hello!, next: bye}", "invalid-value"),
    ("{say: hello, next: nowhere}", "unknown-target"),
    ("{say: goodbye, next: bye}", "unknown-prompt"),
    ("{say: [hello, goodbye], next: bye}", "unknown-prompt"),
    ("{menu: choose, no_input_prompt: tut, outcomes: {timeout: bye, invalid: bye}}", "unknown-prompt"),
    ("{menu: choose, outcomes: {'1': bye, timeout: bye}}", "unrouted-outcome"),
    ("{menu: choose, outcomes: {'12': bye, timeout: bye, invalid: bye}}", "unknown-outcome"),
    ("{menu: choose, outcomes: {010: bye, timeout: bye, invalid: bye}}", "unknown-outcome"),
    ("{menu: choose, outcomes: {'': bye, timeout: bye, invalid: bye}}", "unknown-outcome"),
    ("{menu: choose, outcomes: {on: bye, timeout: bye, invalid: bye}}", "unknown-outcome"),
    ("{menu: choose, attempts: 010, outcomes: {timeout: bye, invalid: bye}}", "invalid-value"),
    ("{menu: choose, attempts: 0, outcomes: {timeout: bye, invalid: bye}}", "invalid-value"),
    ("{menu: choose, timeout_seconds: 1_0, outcomes: {timeout: bye, invalid: bye}}", "invalid-value"),
    ("{menu: choose, timeout_seconds: 1:30, outcomes: {timeout: bye, invalid: bye}}", "invalid-value"),
    ("{recognise: everybody, outcomes: {vip: bye, known: bye, unknown: bye}}", "invalid-value"),
    ("{recognise: caller, outcomes: {vip: bye, known: bye}}", "unrouted-outcome"),
    (
        "{check_code: ask, outcomes: {verified: bye, refused: bye, skipped: bye, locked: bye, maybe: bye}}",
        "unknown-outcome",
    ),
    ("{language: fr, next: bye}", "invalid-value"),
    ("{record: everything, next: bye}", "invalid-value"),
    ("{complaint: yes, next: bye}", "invalid-value"),
    ("{hangup: on}", "invalid-value"),
    ("{hangup: true, next: bye}", "unknown-field"),
    ("{queue: people, max_wait_seconds: 60, outcomes: {answered: bye, overflowed: bye}}", "unrouted-outcome"),
    ("{queue: people, max_wait_seconds: 0, outcomes: {answered: bye, overflowed: bye, key: bye}}", "invalid-value"),
    ("{queue: nobody, max_wait_seconds: 60, outcomes: {answered: bye, overflowed: bye, key: bye}}", "unknown-queue"),
    ("{queue: 'a,b', max_wait_seconds: 60, outcomes: {answered: bye, overflowed: bye, key: bye}}", "invalid-value"),
    ("{goto_flow: elsewhere}", "unknown-flow"),
    ("{goto_flow: f, next: bye}", "unknown-field"),
]


@pytest.mark.parametrize(("step", "code"), STEP_PROBLEMS)
def test_a_bad_step_is_refused_at_its_line(step: str, code: str) -> None:
    (problem,) = problems_of(with_step(step), KNOWN)
    assert (problem.file, problem.line, problem.code) == ("f.yaml", 6, code)


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (changed("flow: f", "flow: g"), "name-mismatch", 1),
        (changed("flow: f", "flow: F!"), "invalid-value", 1),
        (changed("flow: f\n", ""), "missing-field", 1),
        (changed("start: greet", "start: nowhere"), "unknown-target", 3),
        (changed("start: greet", "begin: greet\nstart: greet"), "unknown-field", 3),
        (changed('"*11"', '"12 34"'), "invalid-value", 2),
        (changed('"*11"', '"8000"'), "entry-taken", 2),
        (changed('["8000", "*11"]', "8000"), "invalid-value", 2),
        (changed("  bye: {", "  Bye: {hangup: true}\n  bye: {"), "invalid-value", 12),
        (changed("  bye: {", "  alone: {hangup: true}\n  bye: {"), "unreachable-step", 12),
        (changed("again: {language: en, next: choice}", "again: {language: en, next: again}"), "silent-loop", 10),
        (changed("timeout: wait", "timeout: greet"), "silent-loop", 5),
        (changed("overflowed: bye", "overflowed: choice"), "silent-loop", 6),
        (changed("answered: bye", "answered: wait"), "silent-loop", 11),
        ("flow: f\nstart: a\nsteps: {}\n", "invalid-value", 3),
        ("flow: f\nstart: a\nsteps: [a]\n", "invalid-value", 3),
    ],
)
def test_a_bad_flow_is_refused_at_its_line(content: str, code: str, line: int) -> None:
    (problem,) = problems_of(content, KNOWN)
    assert (problem.file, problem.line, problem.code) == ("f.yaml", line, code)


def test_every_problem_of_every_file_is_told_at_once() -> None:
    files = {
        "a.yaml": b"flow: a\nentry: ['1']\nstart: x\nsteps:\n  x: {say: hello, next: y}\n  z: {hangup: true}\n",
        "b.yaml": b"flow: b\nentry: ['1']\nstart: x\nsteps:\n  x: {hangup: on}\n",
        "c.yaml": b"flow: c\nentry: ['1']\nstart: x\nsteps:\n  x: {goto_flow: b}\n",
    }
    with pytest.raises(FlowError) as refused:
        compile_flows(files, KNOWN)
    assert [(problem.file, problem.line, problem.code) for problem in refused.value.problems] == [
        ("a.yaml", 5, "unknown-target"),
        ("a.yaml", 6, "unreachable-step"),
        ("b.yaml", 5, "invalid-value"),
        ("c.yaml", 2, "entry-taken"),  # and nothing of the flow b, which has its own problem
    ]
    assert "a.yaml:5: there is no step 'y' [unknown-target]" in str(refused.value)


def test_a_loop_over_two_flows_is_found() -> None:
    there_and_back = "start: a\nsteps:\n  a: {say: hello, next: b}\n  b: {goto_flow: %s}\n"
    with pytest.raises(FlowError) as refused:
        flow_set(f=there_and_back % "g", g=there_and_back % "f")
    (problem,) = refused.value.problems
    assert problem.code == "silent-loop"
    assert problem.message.endswith(": a > b > g/a > g/b > a")


def test_prompts_and_queues_are_not_checked_unless_known() -> None:
    assert problems_of(with_step("{say: goodbye, next: bye}")) == []


# -- revisions


def revisions(sub_flow_prompt: str = "hello", comment: str = "") -> dict[str, str]:
    flows = flow_set(
        f=f"{comment}start: a\nsteps:\n  a: {{goto_flow: g}}\n",
        g=f"start: a\nsteps:\n  a: {{say: {sub_flow_prompt}, next: b}}\n  b: {{hangup: true}}\n",
        h="start: a\nsteps:\n  a: {hangup: true}\n",
    )
    return {name: flow.revision for name, flow in flows.flows.items()}


def test_a_revision_follows_the_content_of_the_flow_and_of_all_it_goes_to() -> None:
    before, same, comment, sub_flow = revisions(), revisions(), revisions(comment="# c\n"), revisions("choose")
    assert before == same
    assert all(len(revision) == 12 and int(revision, 16) >= 0 for revision in before.values())
    assert {name for name in before if before[name] != comment[name]} == {"f"}
    assert {name for name in before if before[name] != sub_flow[name]} == {"f", "g"}


def test_a_stored_revision_comes_back_as_it_was() -> None:
    flows = flow_set(
        f="# 注释\nstart: a\nsteps:\n  a: {goto_flow: g}\n",
        g="start: a\nsteps:\n  a: {hangup: true}\n",
        h="start: a\nsteps:\n  a: {hangup: true}\n",
    )
    again = unbundle(bundle(flows, "f"))
    assert again == flows.closure("f")
    assert set(again.flows) == {"f", "g"}


# -- whatever is written


def names() -> st.SearchStrategy[str]:
    return st.sampled_from(["a", "b", "c", "A", "on", "010", "", "1", "*", "#", "timeout", "invalid", "true", "zh"])


def values() -> st.SearchStrategy[Any]:
    scalars = st.one_of(names(), st.integers(-3, 99), st.booleans(), st.none(), st.floats(allow_nan=False))
    return st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names(), inner, max_size=4)),
        max_leaves=6,
    )


def steps() -> st.SearchStrategy[Any]:
    kinds = st.sampled_from([*STEP_TYPES, "sing"])
    routes = st.dictionaries(st.one_of(names(), st.sampled_from(["answered", "vip"])), names(), max_size=5)
    step = st.builds(
        lambda kind, value, more, outcomes, target: {kind: value, **more, "outcomes": outcomes, "next": target},
        *(kinds, values(), st.dictionaries(names(), values(), max_size=2), routes, names()),
    )
    return st.one_of(step, values())


def flows() -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"flow": st.one_of(st.just("f"), values()), "start": names(), "steps": st.dictionaries(names(), steps())},
        optional={"entry": values(), "more": values()},
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(flows(), values()))
def test_any_flow_is_read_or_refused_with_lines(document: Any) -> None:
    content = yaml.safe_dump(document, allow_unicode=True)
    for problem in problems_of(content):
        assert 1 <= problem.line <= len(content.splitlines()) + 1
        assert problem.code == problem.code.lower()


@pytest.mark.parametrize("kind", STEP_TYPES)
def test_the_example_of_a_step_type_is_one(kind: str) -> None:
    docstring = inspect.getdoc(STEP_TYPES[kind]) or ""
    block = re.search(r"::\n\n((?:    .*\n?)+)", docstring)
    line = re.search(r"``(\w+: \{.*?\})``", docstring)
    example = textwrap.dedent(block[1]) if block else line[1] if line else ""
    root = plain(read_yaml(example.encode(), "example.yaml"))
    (step,) = root.values()
    assert STEP_TYPES[kind].model_validate(step).kind == kind
    assert STEP_TYPES[kind].model_validate(step).required_outcomes <= {*step.get("outcomes", {}), *step}
