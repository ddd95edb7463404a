"""In which of Asterisk's queues an agent stands, for the queues of ours that the agent serves. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from callcenter.asterisk.queue_names import personal_queue, shadow_queue


@dataclass(frozen=True, slots=True)
class Place:
    """An agent's place in one of our queues, with what the queue asks for."""

    queue: str
    penalty: int
    excludes_complained_agent: bool
    last_agent_first: bool


BEST_LEVEL = 5
"""Of a skill; 0 is none of it."""


def penalty_of(membership_penalty: int, level: int) -> int:
    """In a queue that asks for a skill: the better at it, the earlier an agent is rung (docs/decisions/0033).

    >>> penalty_of(0, 5), penalty_of(0, 3), penalty_of(0, 0), penalty_of(10, 5)
    (0, 2, 5, 10)
    """
    return membership_penalty + BEST_LEVEL - level


def app_places(
    agent_number: str, places: Collection[Place], members: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, int]]:
    """Asterisk's queues, with the penalty in each. ``members``: the agents' numbers of each queue of ours.

    Besides each queue its shadows for all other members, and one personal queue.
    """
    for place in places:
        yield place.queue, place.penalty
        yield from shadow_places(agent_number, place, members)
    if any(place.last_agent_first for place in places):
        yield personal_queue(agent_number), 0


def shadow_places(agent_number: str, place: Place, members: Mapping[str, Collection[str]]) -> Iterator[tuple[str, int]]:
    """The shadows of one queue in which this agent stands."""
    if place.excludes_complained_agent:
        for other in members.get(place.queue, ()):
            if other != agent_number:
                yield shadow_queue(place.queue, other), place.penalty
