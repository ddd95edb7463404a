"""What is rendered next of a text, by whom and when: no clock, no database."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Stage = Literal["fall-back", "provider"]
"""Who speaks next: the fall-back voice, at once, or the configured engine."""

FALL_BACK: Literal["espeak-ng"] = "espeak-ng"

FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Next:
    """The next rendering of a text, ``after`` from now."""

    stage: Stage
    after: timedelta


def pause_after(attempts: int) -> timedelta:
    """How long a text rests after its ``attempts``-th failure: doubling, to an hour at most. None failed: no rest."""
    if attempts == 0:
        return timedelta(0)
    doublings = min(attempts - 1, 16)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def after_success(stage: Stage, *, provider: str, attempts: int) -> Next | None:
    """After a text was spoken; None: nothing is left to do. ``attempts``: how often its provider failed before."""
    if stage == "provider" or provider == FALL_BACK:
        return None
    return Next("provider", pause_after(attempts))


def after_failure(stage: Stage, *, provider: str, attempts: int, speaks_wanted_text: bool) -> Next:
    """After the ``attempts``-th failure. ``speaks_wanted_text``: whether what callers hear now is today's text.

    A text that its provider cannot speak is spoken by the fall-back voice, so that nobody hears for long what is
    no longer true. A fall-back voice that fails leaves the text to the provider.
    """
    if provider == FALL_BACK:
        return Next(stage, pause_after(attempts))
    if stage == "fall-back":
        return Next("provider", timedelta(0) if attempts <= 1 else pause_after(attempts))
    if speaks_wanted_text:
        return Next("provider", pause_after(attempts))
    return Next("fall-back", timedelta(0))
