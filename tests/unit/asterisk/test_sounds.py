"""Prompts reach an Asterisk that runs: standard ones, and the hospital's own in their place."""

from pathlib import Path

import pytest

from callcenter.asterisk.sounds import recorded_prompts_dir, refresh_sounds, sounds_dir
from callcenter.core.config import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state", prompts_dir=tmp_path / "prompts")


def given_file(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_new_and_changed_prompts_are_copied_and_the_rest_is_left_alone(settings: Settings) -> None:
    prompt = given_file(settings.prompts_dir / "audio/zh/cc/greeting.wav", "one")
    played = sounds_dir(settings) / "zh/cc/greeting.wav"
    other = given_file(sounds_dir(settings) / "zh/vm-goodbye.wav", "of the package")
    assert refresh_sounds(settings) == 1
    assert refresh_sounds(settings) == 0
    with played.open() as in_a_call:
        prompt.write_text("another")
        assert refresh_sounds(settings) == 1
        assert in_a_call.read() == "one"
    assert played.read_text() == "another"
    assert other.read_text() == "of the package"
    assert [path.name for path in played.parent.iterdir()] == ["greeting.wav"]


def test_own_recording_takes_the_place_of_the_prompt_and_gives_it_back(settings: Settings) -> None:
    given_file(settings.prompts_dir / "audio/zh/cc/greeting.wav", "standard")
    played = given_file(sounds_dir(settings) / "zh/cc/greeting.wav", "old")
    recorded = given_file(recorded_prompts_dir(settings) / "zh/cc/greeting.wav", "own")
    refresh_sounds(settings)
    assert played.read_text() == "own"
    recorded.unlink()
    refresh_sounds(settings)
    assert played.read_text() == "standard"


def test_without_an_asterisk_nothing_is_copied(settings: Settings) -> None:
    given_file(settings.prompts_dir / "audio/zh/cc/greeting.wav", "one")
    assert refresh_sounds(settings) == 0
    assert not sounds_dir(settings).exists()
