"""Articles on the telephone: by number, and from a list that is read out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from callcenter.directory.articles import Section
from callcenter.ivr.flow import FlowSet
from callcenter.ivr.simulation.articles import SimulatedArticles
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.run import converse
from callcenter.ivr.simulation.services import simulated_services
from tests.support.flows import flow_set, problems_of

BY_NUMBER = """\
entry: ["1"]
start: doctor
steps:
  doctor:
    article_by_number: ask_number
    section: doctors
    outcomes: {heard: bye, skipped: bye, unknown: bye, unavailable: bye, person: bye, back: bye}
  bye: {hangup: true}
"""

LIST = """\
entry: ["1"]
start: choose
steps:
  choose:
    article_list: choose_article
    section: advice
    outcomes: {heard: bye, back: bye, person: bye, timeout: bye, invalid: bye, empty: bye, unavailable: bye}
  bye: {hangup: true}
"""
BY_DEPARTMENT = LIST.replace("section: advice", "section: doctors\n    by: department")


async def call(
    flows: FlowSet, script: str, *, away: bool = False, numbers: Mapping[Section, Sequence[int]] | None = None
) -> SimulatedLine:
    """One call to number 1; the script answers each question."""
    articles = SimulatedArticles(away=away) if numbers is None else SimulatedArticles(numbers=numbers)
    line = SimulatedLine("1", "+8613800000001", scripted(script), lambda _line: None, None)
    await converse(line, flows, replace(simulated_services(), articles=articles))
    return line


def outcome(line: SimulatedLine) -> str:
    """How the first step ended."""
    (first, *_) = [text for text in line.transcript if "CC_STEP" in text]
    return first.rsplit("=", 1)[1]


def played(line: SimulatedLine) -> list[str]:
    return [text.split(" ", 1)[1] for text in line.transcript if text.startswith(("say ", "menu ", "code "))]


def articles_told(line: SimulatedLine) -> list[str]:
    """What the ledger knows: the numbers that the simulation makes ids of."""
    told = [text.rsplit("=", 1)[1] for text in line.transcript if "CC_ARTICLE" in text]
    return [str(int(article.replace("-", ""), 16)) for article in told]


# -- by number


@pytest.mark.parametrize(
    ("script", "ends", "heard"),
    [
        ("101# -", "heard", ["101"]),  # to its end
        ("101 5", "heard", ["101"]),  # cut short
        ("0101 -", "heard", ["101"]),
        ("101 0", "person", ["101"]),
        ("101 *", "back", ["101"]),
        ("0", "person", []),
        ("*", "back", []),
        ("#", "skipped", []),
        ("-", "skipped", []),
        ("999 -", "skipped", []),
        ("999 102 -", "heard", ["102"]),
        ("999 1* 000000", "unknown", []),
    ],
)
async def test_by_number(script: str, ends: str, heard: list[str]) -> None:
    line = await call(flow_set(f=BY_NUMBER), script)
    assert (outcome(line), articles_told(line)) == (ends, heard)


async def test_title_and_body_are_one_sequence_and_a_wrong_number_is_asked_again() -> None:
    line = await call(flow_set(f=BY_NUMBER), "999 103 -")
    assert played(line) == [
        "ask_number",
        "article_unknown",
        "ask_number",
        "sound spoken/zh-doctors-103-title",
        "sound spoken/zh-doctors-103-body",
    ]


async def test_by_number_without_ways_out_a_lone_0_is_a_wrong_number() -> None:
    flows = flow_set(f=BY_NUMBER.replace(", person: bye, back: bye", ""))
    assert outcome(await call(flows, "0 * 0")) == "unknown"
    assert outcome(await call(flows, "101 0")) == "heard"


async def test_by_number_in_english() -> None:
    flows = flow_set(
        f=BY_NUMBER.replace("start: doctor\nsteps:", "start: lang\nsteps:\n  lang: {language: en, next: doctor}")
    )
    line = await call(flows, "101 -")
    assert "sound spoken/en-doctors-101-body" in played(line)


@pytest.mark.parametrize("content", [BY_NUMBER, LIST, BY_DEPARTMENT])
async def test_without_the_database_the_flow_decides_what_then(content: str) -> None:
    line = await call(flow_set(f=content), "101 101 101", away=True)
    assert outcome(line) == "unavailable"
    assert not [text for text in played(line) if text.startswith("sound")]


# -- from a list


async def test_a_list_is_read_out_in_one_sequence() -> None:
    line = await call(flow_set(f=LIST), "2 -")
    assert played(line) == [
        "choose_article",
        *("sound spoken/zh-advice-1-title", "press_1"),
        *("sound spoken/zh-advice-2-title", "press_2"),
        *("sound spoken/zh-advice-3-title", "press_3"),
        "article_keys",
        *("sound spoken/zh-advice-2-title", "sound spoken/zh-advice-2-body"),
    ]
    assert (outcome(line), articles_told(line)) == ("heard", ["2"])


@pytest.mark.parametrize(
    ("script", "ends", "heard"),
    [
        ("1 -", "heard", ["1"]),
        ("1 7", "heard", ["1"]),
        ("1 0", "person", ["1"]),
        ("1 *", "back", ["1"]),
        ("9 9 3 -", "heard", ["3"]),
        ("*", "back", []),
        ("0", "person", []),
        ("- - -", "timeout", []),
        ("4 8 #", "invalid", []),  # there are three, on one page
        ("- 4 -", "timeout", []),
        ("4 3 -", "heard", ["3"]),
    ],
)
async def test_choice_from_a_list(script: str, ends: str, heard: list[str]) -> None:
    line = await call(flow_set(f=LIST), script)
    assert (outcome(line), articles_told(line)) == (ends, heard)


async def test_a_long_list_has_pages() -> None:
    numbers: dict[Section, Sequence[int]] = {"advice": range(1, 17)}
    line = await call(flow_set(f=LIST), "8 8 2 -", numbers=numbers)
    assert articles_told(line) == ["16"]
    sequence = played(line)
    assert sequence.count("article_more") == 2  # the last page has none behind it
    assert sequence[sequence.index("article_more") :][:4] == [
        "article_more",
        "article_keys",
        "choose_article",
        "sound spoken/zh-advice-8-title",
    ]


async def test_whoever_presses_keys_without_end_is_let_go() -> None:
    line = await call(flow_set(f=LIST), " ".join(["9"] * 60))
    assert outcome(line) == "invalid"


async def test_an_empty_section_says_so() -> None:
    line = await call(flow_set(f=LIST), "1", numbers={})
    assert (outcome(line), played(line)) == ("empty", [])


async def test_by_department_first_the_departments_then_their_articles() -> None:
    line = await call(flow_set(f=BY_DEPARTMENT), "2 * 1 2 -")
    assert articles_told(line) == ["102"]
    sequence = played(line)
    departments = [
        "choose_department",
        *("sound spoken/zh-card", "press_1"),
        *("sound spoken/zh-paed", "press_2"),
        "article_keys",
    ]
    assert sequence[:6] == departments
    assert sequence[6:8] == ["choose_article", "sound spoken/zh-doctors-103-title"]
    assert sequence[sequence.index("article_keys", 7) + 1 :][:6] == departments


@pytest.mark.parametrize(
    ("script", "ends"),
    [("*", "back"), ("0", "person"), ("1 0", "person"), ("1 - - -", "timeout"), ("1 9 * *", "back")],
)
async def test_ways_out_of_departments(script: str, ends: str) -> None:
    assert outcome(await call(flow_set(f=BY_DEPARTMENT), script)) == ends


async def test_a_key_into_the_announcement_before_is_the_first_answer() -> None:
    class Hasty(SimulatedLine):
        async def say_until_key(self, spoken: Any) -> str:
            await super().say_until_key(spoken)
            return "2"

    content = LIST.replace(
        "start: choose\nsteps:", "start: hello\nsteps:\n  hello: {say: x, interruptible: true, next: choose}"
    )
    line = Hasty("1", "+8613800000001", scripted("-"), lambda _line: None, None)
    await converse(line, flow_set(f=content), simulated_services())
    assert articles_told(line) == ["2"]


# -- in a flow


def test_a_flow_may_lead_back_to_the_list_after_listening() -> None:
    content = f"flow: f\n{LIST}".replace("heard: bye", "heard: choose").replace("back: bye", "back: choose")
    assert problems_of(content) == []


@pytest.mark.parametrize("silent", ["timeout", "empty", "unavailable", "invalid"])
def test_silence_may_not_lead_back(silent: str) -> None:
    content = f"flow: f\n{LIST}".replace(f"{silent}: bye", f"{silent}: choose")
    assert [problem.code for problem in problems_of(content)] == ["silent-loop"]


@pytest.mark.parametrize("content", [BY_NUMBER, LIST])
def test_a_section_must_be_one(content: str) -> None:
    wrong = f"flow: f\n{content}".replace("section: doctors", "section: rumours").replace(
        "section: advice", "section: rumours"
    )
    assert [problem.code for problem in problems_of(wrong)] == ["invalid-value"]
