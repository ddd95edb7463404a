"""What a caller hears: recorded by Asterisk on the way to the telephone, and compared sample by sample."""

import asyncio
import wave
from collections.abc import Sequence
from pathlib import Path

from demo.hospital import PATIENTS
from demo.observer import until
from demo.sip_scenarios import StayUntilHangUp, Step
from tests.e2e.hotline import Hotline


async def hear(hotline: Hotline, to: str, steps: Sequence[Step]) -> bytes:
    """Call, take these steps, stay until the service hangs up; all that was sent to the caller, 8 kHz 16 bit."""
    pbx, name = hotline.stack.pbx, f"heard-{to}-{len(hotline.phones.phones)}"
    recording = Path(hotline.settings.recordings_dir) / f"{name}.wav"
    phone = await hotline.call(PATIENTS[0], to, [*steps, StayUntilHangUp(60)])

    async def channel() -> str:
        shown = await asyncio.to_thread(pbx.cli, "core show channels concise")
        return next((line.split("!")[0] for line in shown.splitlines() if "!flow!s!" in line), "")

    started = f"mixmonitor start {await until('the caller hears us', channel)} {name}-both.wav,t({recording})"
    assert "not" not in (await asyncio.to_thread(pbx.cli, started)).lower()
    await phone.done(90)

    async def whole() -> bytes:
        return samples_of(recording) if recording.exists() else b""  # its length is written last

    return await until("the recording is whole", whole)


def was_heard(recording: bytes, audio: Path) -> float:
    """The share of ``audio``, in pieces of 20 ms that are not silent, that stands in the recording."""
    samples = samples_of(audio)
    pieces = [samples[at : at + 320] for at in range(0, len(samples) - 320, 1600)]
    loud = [piece for piece in pieces if len(set(piece)) > 100]
    assert len(loud) > 5
    return sum(piece in recording for piece in loud) / len(loud)


def samples_of(file: Path) -> bytes:
    with wave.open(str(file)) as wav:
        samples: bytes = wav.readframes(wav.getnframes())
        return samples
