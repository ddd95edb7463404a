"""Emergency announcements in a simulation."""

from collections.abc import Sequence

from callcenter.ivr.line import Sound
from callcenter.speech.languages import Language


class SimulatedAnnouncements:
    """None, unless a test says so."""

    def __init__(self, *, number: Sequence[Sound] = (), queue: Sequence[Sound] = ()) -> None:
        self._number = number
        self._queue = queue

    async def of_number(self, did: str, language: Language) -> Sequence[Sound]:
        return self._number

    async def of_queue(self, queue: str, language: Language) -> Sequence[Sound]:
        return self._queue
