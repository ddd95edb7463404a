"""Opening hours in a simulation."""

from typing import get_args
from uuid import UUID

from callcenter.calendar.policy import Opening, State
from callcenter.ivr.line import Sound
from callcenter.speech.languages import Language

OPENING_STATES: tuple[State, ...] = get_args(State)

_CLOSURE = UUID(int=1)


class SimulatedHours:
    """Hours without a database: every schedule is in the same state; a closure's announcement is ready."""

    def __init__(self, state: State = "open") -> None:
        self._state = state

    async def opening(self, schedule_name: str) -> Opening:
        return Opening(self._state, None, _CLOSURE if self._state == "closure" else None)

    async def find_announcement(self, closure_id: UUID, language: Language) -> Sound | None:
        return Sound(f"spoken/closure-{language}", 5.0)
