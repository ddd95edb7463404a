"""How long the hospital's own recordings of standard prompts play: each ivr process asks once a second.

A prompt that plays more than a little longer than the flow believes is taken for a frozen service (ivr/line.py).
So of a recording and what it replaced the longer time counts, for a while after either has gone.
"""

from collections import deque
from collections.abc import Mapping

from callcenter.core.db import Database
from callcenter.ivr.prompts import PromptLibrary
from callcenter.speech.service import recorded_seconds

REFRESH_SECONDS = 1.0
_KEPT = 10
"""Answers that count: what went ten seconds ago has surely left the PBX."""

Seconds = Mapping[tuple[str, str], float]


class RecordedPrompts:
    """One per ivr process; :meth:`refresh` every REFRESH_SECONDS."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._answers: deque[Seconds] = deque(maxlen=_KEPT)

    async def refresh(self) -> None:
        async with self._database.transaction() as session:
            self._answers.append(await recorded_seconds(session))

    def apply(self, library: PromptLibrary) -> PromptLibrary:
        """``library`` with the times that its prompts may take now."""
        longest: dict[tuple[str, str], float] = {}
        for answer in self._answers:
            for key, seconds in answer.items():
                longest[key] = max(seconds, longest.get(key, 0.0))
        return library.with_recordings(longest) if longest else library
