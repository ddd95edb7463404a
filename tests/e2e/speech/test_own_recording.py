"""A hospital records a standard prompt itself while the service runs; the next caller hears it, and nothing breaks."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from callcenter.asterisk.sounds import sounds_dir
from callcenter.core.config import Settings
from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from tests.e2e.hearing import hear, was_heard
from tests.e2e.hotline import Hotline

FLOW = """\
flow: main
entry: ["8000"]
start: words
steps:
  words: {say: goodbye, next: bye}
  bye: {hangup: true}
"""
SECONDS = 9
"""Much longer than the prompt was: a service that did not know would take the line for frozen."""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """A flow of this test's own."""
    (tmp_path / "main.yaml").write_text(FLOW)
    return settings.model_copy(update={"flows_dir": tmp_path})


def own_voice() -> bytes:
    """A sweep: no two pieces of it are the same."""
    command = ["sox", "-n", "-r", "44100", "-c", "2", "-t", "wav", "-", "synth", str(SECONDS), "sine", "300-1200"]
    return subprocess.run([*command, "vol", "0.5"], capture_output=True, check=True).stdout


async def test_own_recording_is_heard_by_the_next_caller_until_it_is_removed(hotline: Hotline) -> None:
    service = await hotline.stack.start_service()
    prompt = sounds_dir(hotline.settings) / "zh" / "cc" / "goodbye.wav"
    rendered = prompt.with_name("rendered.wav")
    rendered.write_bytes(prompt.read_bytes())
    api = await hotline.api(service)
    answer = await api.post(
        "/api/v1/prompts/recordings",
        data={"prompt_id": "goodbye", "language": "zh"},
        files={"file": ("own.wav", await asyncio.to_thread(own_voice))},
    )
    assert answer.status_code == 200, answer.text
    await content_of(prompt, rendered, same=False)
    recorded = prompt.with_name("recorded.wav")
    recorded.write_bytes(prompt.read_bytes())

    heard = await hear(hotline, HOTLINE, [])
    assert was_heard(heard, recorded) > 0.9
    assert was_heard(heard, rendered) < 0.2
    call = await hotline.finished_call(PATIENTS[0].e164)
    assert await hotline.steps(call) == ["words:next", "bye:hangup"]

    assert (await api.delete("/api/v1/prompts/recordings/zh/goodbye")).status_code == 204
    await content_of(prompt, rendered, same=True)
    assert was_heard(await hear(hotline, HOTLINE, []), rendered) > 0.9


def alike(path: Path, other: Path) -> bool:
    return path.read_bytes() == other.read_bytes()


async def content_of(path: Path, other: Path, *, same: bool) -> None:
    async def look() -> bool:
        return alike(path, other) is same

    await until("the PBX has the other voice", look, timeout_seconds=30)
