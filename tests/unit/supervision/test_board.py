"""What changes between two states of the board, and who sees what of it."""

from typing import Any

import pytest

from callcenter.supervision.board import (
    AGENTS,
    WAITING,
    Board,
    Changes,
    change_frame,
    count_agents,
    doing,
    expected_wait_seconds,
    is_visible,
    masked_name,
)

MINE, THEIRS = frozenset({"mine"}), frozenset({"theirs"})


def caller(queue: str, priority: int = 0) -> dict[str, Any]:
    return {"uniqueid": "c1", "queue": queue, "priority": priority}


def agent(wanted: str = "available", activity: str = "idle", queues: tuple[str, ...] = ("mine",)) -> dict[str, Any]:
    return {"number": "1001", "wanted": wanted, "activity": activity, "queues": list(queues), "queue": None}


def replaced(before: dict[str, Any] | None, after: dict[str, Any] | None) -> Changes:
    board = Board()
    board.replace({WAITING: {"c1": before} if before else {}})
    return board.replace({WAITING: {"c1": after} if after else {}})


def test_what_stays_is_no_change() -> None:
    changes = replaced(caller("mine"), caller("mine"))
    assert not changes
    assert change_frame(changes, None) is None


@pytest.mark.parametrize(
    ("before", "after", "mine", "theirs"),
    [
        (None, caller("mine"), {"changed": {WAITING: [caller("mine")]}, "removed": {}}, None),
        (caller("mine"), None, {"changed": {}, "removed": {WAITING: ["c1"]}}, None),
        (
            caller("mine"),
            caller("theirs"),
            {"changed": {}, "removed": {WAITING: ["c1"]}},
            {"changed": {WAITING: [caller("theirs")]}, "removed": {}},
        ),
        (caller("mine"), caller("mine", 5), {"changed": {WAITING: [caller("mine", 5)]}, "removed": {}}, None),
    ],
)
def test_each_is_told_what_they_may_see(
    before: dict[str, Any] | None, after: dict[str, Any] | None, mine: object, theirs: object
) -> None:
    """Who sees a row no more, because it went to a queue of others, is told to take it away, and not where it went."""
    changes = replaced(before, after)
    assert change_frame(changes, MINE) == mine
    assert change_frame(changes, THEIRS) == theirs


def test_an_agent_is_seen_by_the_supervisors_of_each_queue_and_of_the_callers() -> None:
    assert is_visible(AGENTS, agent(queues=("mine", "other")), MINE)
    assert not is_visible(AGENTS, agent(), THEIRS)
    assert is_visible(AGENTS, agent() | {"queue": "theirs"}, THEIRS), "talks with a caller of theirs"
    assert is_visible(AGENTS, agent(), None)


@pytest.mark.parametrize(
    ("wanted", "activity", "word"),
    [
        ("available", "idle", "idle"),
        ("available", "wrap_up", "wrap_up"),
        ("paused", "idle", "paused"),
        ("paused", "wrap_up", "paused"),
        ("paused", "on_call", "on_call"),
        ("logged_out", "on_call", "on_call"),
        ("logged_out", "idle", None),
    ],
)
def test_one_word_for_what_an_agent_does(wanted: str, activity: str, word: str | None) -> None:
    assert doing(agent(wanted, activity)) == word
    assert sum(count_agents([agent(wanted, activity)]).get("mine", {}).values()) == (word is not None)


@pytest.mark.parametrize(
    ("waiting", "idle", "serving", "handle_seconds", "expected"),
    [
        (0, 1, 3, 60.0, 0),
        (0, 0, 3, 60.0, 20),
        (5, 0, 3, 60.0, 120),
        (5, 2, 3, 60.0, 80),  # the free ones are taken first
        (5, 0, 0, 60.0, None),
        (5, 0, 3, None, None),
    ],
)
def test_the_expected_wait(
    waiting: int, idle: int, serving: int, handle_seconds: float | None, expected: int | None
) -> None:
    found = expected_wait_seconds(waiting=waiting, idle=idle, serving=serving, handle_seconds=handle_seconds)
    assert found == expected


@pytest.mark.parametrize(("name", "shown"), [("张伟", "张*"), ("赵", "赵"), ("", None), (None, None)])
def test_a_name_is_masked(name: str | None, shown: str | None) -> None:
    assert masked_name(name) == shown
