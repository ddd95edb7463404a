"""How many are dialled for agents who are free: nobody is made to wait for an agent whom there is not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.campaigns.agent_pacing import (
    ENOUGH_DIALS,
    MOST_PER_AGENT,
    Crew,
    Experience,
    expected_abandoned_share,
    predictive,
    progressive,
)

KNOWN = Experience(dialled=1_000, answered=400, abandoned=0, ring_seconds=15, talk_seconds=120)
crews = st.builds(Crew, free=st.integers(0, 60), talking=st.integers(0, 60))
experiences = st.builds(
    Experience,
    dialled=st.integers(0, 2_000),
    answered=st.integers(0, 2_000),
    abandoned=st.integers(0, 50),
    ring_seconds=st.floats(0, 60),
    talk_seconds=st.floats(0, 600),
)


def test_progressive_is_one_for_each_free_agent() -> None:
    assert [progressive(Crew(free, talking=5)) for free in (0, 1, 7)] == [0, 1, 7]


def test_predictive_dials_ahead_when_few_answer() -> None:
    assert predictive(Crew(10, 0), KNOWN, abandon_percent=3) > 10
    few = Experience(dialled=1_000, answered=100)
    assert predictive(Crew(10, 0), few, abandon_percent=3) == 10 * MOST_PER_AGENT


def test_it_reckons_with_who_will_have_ended() -> None:
    assert predictive(Crew(0, 40), KNOWN, abandon_percent=3) > predictive(Crew(0, 10), KNOWN, abandon_percent=3)


@pytest.mark.parametrize(
    "experience",
    [
        Experience(),
        Experience(dialled=ENOUGH_DIALS - 1, answered=5),
        Experience(dialled=100, answered=0),
        Experience(dialled=1_000, answered=400, abandoned=12),
        Experience(dialled=1_000, answered=400, abandoned=50),
    ],
)
def test_before_enough_is_known_and_when_the_limit_is_used_up_it_is_progressive(experience: Experience) -> None:
    assert predictive(Crew(10, 20), experience, abandon_percent=3) == 10


@given(crews, experiences, st.floats(0.5, 20))
def test_it_never_expects_more_than_the_limit_and_never_less_than_progressive(
    crew: Crew, experience: Experience, percent: float
) -> None:
    calls = predictive(crew, experience, abandon_percent=percent)
    assert crew.free <= calls <= max(crew.free, (crew.free + crew.talking) * MOST_PER_AGENT)
    if calls > crew.free:
        answers = min(experience.answered / experience.dialled, 1.0)
        assert expected_abandoned_share(calls, crew.free + crew.talking, answers) <= percent / 100


@given(st.integers(1, 80), st.integers(0, 80), st.floats(0.01, 1.0))
def test_one_call_more_is_never_a_smaller_share(calls: int, agents: int, answers: float) -> None:
    share = expected_abandoned_share(calls, agents, answers)
    assert 0 <= share <= 1 + 1e-9
    assert share <= expected_abandoned_share(calls + 1, agents, answers) + 1e-9


@pytest.mark.parametrize(("calls", "agents", "answers"), [(10, 4, 0.4), (30, 10, 0.3), (5, 4, 0.9)])
def test_the_expected_share_is_what_comes_out(calls: int, agents: int, answers: float) -> None:
    luck = random.Random(7)  # noqa: S311 - the same every time
    tries = [sum(luck.random() < answers for _ in range(calls)) for _ in range(40_000)]
    share = sum(max(one - agents, 0) for one in tries) / sum(tries)
    assert expected_abandoned_share(calls, agents, answers) == pytest.approx(share, rel=0.05, abs=0.002)
