"""What is rendered next of a text."""

from datetime import timedelta

import pytest

from callcenter.speech.rendering_policy import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    Next,
    Stage,
    after_failure,
    after_success,
    pause_after,
)

AT_ONCE = timedelta(0)


def test_pauses_grow_to_an_hour() -> None:
    pauses = [pause_after(attempts) for attempts in range(1, 60)]
    assert pause_after(0) == AT_ONCE
    assert pauses[0] == FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


@pytest.mark.parametrize(
    ("stage", "provider", "attempts", "following"),
    [
        ("fall-back", "espeak-ng", 0, None),
        ("fall-back", "kokoro", 0, Next("provider", AT_ONCE)),
        ("fall-back", "kokoro", 2, Next("provider", FIRST_PAUSE * 2)),
        ("provider", "kokoro", 0, None),
        ("provider", "espeak-ng", 3, None),
    ],
)
def test_after_success(stage: Stage, provider: str, attempts: int, following: Next | None) -> None:
    assert after_success(stage, provider=provider, attempts=attempts) == following


@pytest.mark.parametrize(
    ("stage", "provider", "attempts", "speaks_wanted_text", "following"),
    [
        pytest.param("provider", "http", 1, False, Next("fall-back", AT_ONCE), id="an older text plays: fall-back"),
        pytest.param("provider", "http", 1, True, Next("provider", FIRST_PAUSE), id="the fall-back voice plays: rest"),
        pytest.param("fall-back", "http", 1, False, Next("provider", AT_ONCE), id="no espeak-ng: the provider"),
        pytest.param("fall-back", "http", 2, False, Next("provider", FIRST_PAUSE * 2), id="neither works: rest"),
        pytest.param("fall-back", "espeak-ng", 1, False, Next("fall-back", FIRST_PAUSE), id="only espeak-ng: rest"),
    ],
)
def test_after_failure(stage: Stage, provider: str, attempts: int, speaks_wanted_text: bool, following: Next) -> None:
    found = after_failure(stage, provider=provider, attempts=attempts, speaks_wanted_text=speaks_wanted_text)
    assert found == following


@pytest.mark.parametrize("provider", ["espeak-ng", "http"])
def test_what_fails_for_ever_never_spins(provider: str) -> None:
    stage: Stage = "fall-back"
    rested = AT_ONCE
    for attempts in range(1, 41):
        following = after_failure(stage, provider=provider, attempts=attempts, speaks_wanted_text=False)
        stage, rested = following.stage, rested + following.after
    assert rested > 15 * LONGEST_PAUSE
