"""How many people are dialled for the agents who are free: pure (progressive and predictive dialling).

Progressive: one each. Predictive: more, since some do not answer; never so many that more of those who do would meet
no agent than the campaign allows.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass

ENOUGH_DIALS = 30
"""Fewer say nothing of how many answer."""
MOST_PER_AGENT = 4
_LEAST_TALK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Crew:
    """The agents of a campaign's queue. ``free``: for whom nobody who phoned waits. ``talking``: in its calls."""

    free: int
    talking: int


@dataclass(frozen=True, slots=True)
class Experience:
    """Of the campaign's calls that ended in the last half hour. ``abandoned``: answered, and no agent was free in time.

    ``ring_seconds``: from the dial to the answer; ``talk_seconds``: of a conversation with an agent.
    """

    dialled: int = 0
    answered: int = 0
    abandoned: int = 0
    ring_seconds: float = 15.0
    talk_seconds: float = 60.0

    @property
    def abandoned_share(self) -> float:
        return self.abandoned / self.answered if self.answered else 0.0


def progressive(crew: Crew) -> int:
    """How many calls may be under way that have no agent yet: as many as agents are free."""
    return crew.free


def predictive(crew: Crew, experience: Experience, *, abandon_percent: float) -> int:
    """How many calls may be under way that have no agent yet.

    The most of which no greater share is expected to be abandoned than what the last half hour has left of
    ``abandon_percent``; before enough is known, and when nothing is left of it, as many as agents are free.
    """
    share_left = abandon_percent / 100 - experience.abandoned_share
    if experience.dialled < ENOUGH_DIALS or experience.answered == 0 or share_left <= 0:
        return crew.free
    agents = crew.free + _free_soon(crew, experience)
    answers = min(experience.answered / experience.dialled, 1.0)
    most = range(agents, agents * MOST_PER_AGENT + 1)
    # the expected share grows with each call more
    fitting = bisect_right(most, share_left, key=lambda calls: expected_abandoned_share(calls, agents, answers))
    return max(crew.free, most[fitting - 1] if fitting else 0)


def _free_soon(crew: Crew, experience: Experience) -> int:
    """Of those who talk, how many will have ended when who is dialled now answers; talks end at any moment alike."""
    talk_seconds = max(experience.talk_seconds, _LEAST_TALK_SECONDS)
    return math.floor(crew.talking * (1 - math.exp(-experience.ring_seconds / talk_seconds)))


def expected_abandoned_share(calls: int, agents: int, answers: float) -> float:
    """Of ``calls`` each is answered with the probability ``answers``: the share of answered ones beyond ``agents``."""
    if calls <= agents or answers <= 0:
        return 0.0
    if answers >= 1:
        return (calls - agents) / calls
    odds = math.log(answers) - math.log1p(-answers)
    chance = calls * math.log1p(-answers)  # log of: none answers
    beyond = 0.0
    for answered in range(1, calls + 1):
        chance += math.log(calls - answered + 1) - math.log(answered) + odds
        if answered > agents:
            beyond += (answered - agents) * math.exp(chance)
    return beyond / (calls * answers)
