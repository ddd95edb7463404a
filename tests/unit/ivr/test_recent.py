"""Answers that calls share for a moment."""

import asyncio

import pytest

from callcenter.ivr.recent import RECENT_SECONDS, Recent


class Question:
    """Counts how often it is asked, each time with another answer."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    async def ask(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        if self.fails:
            raise ConnectionError
        return self.asked


async def test_calls_that_ask_at_once_share_one_answer() -> None:
    question, recent = Question(), Recent[int](lambda: 0.0)
    answers = await asyncio.gather(*(recent.get("one", question.ask) for _ in range(20)))
    assert (set(answers), question.asked) == ({1}, 1)


async def test_each_key_has_its_own_answer_and_each_answer_its_time() -> None:
    at = 100.0
    question, recent = Question(), Recent[int](lambda: at)
    assert [await recent.get(key, question.ask) for key in ("one", "other", "one")] == [1, 2, 1]
    at += RECENT_SECONDS
    assert await recent.get("one", question.ask) == 3


async def test_a_failure_is_no_answer() -> None:
    question, recent = Question(), Recent[int](lambda: 0.0)
    question.fails = True
    with pytest.raises(ConnectionError):
        await recent.get("one", question.ask)
    question.fails = False
    assert await recent.get("one", question.ask) == 2
