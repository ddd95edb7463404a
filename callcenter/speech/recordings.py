"""Own recordings: what somebody uploads is checked and made telephone audio, then takes the place of a rendered voice.

The file comes from outside: its kind is told by its first bytes, never by its name; the program sox, which reads
it, gets a time limit and no more than it may be long; no name or path from outside reaches a command.
"""

import array
import asyncio
import math
import subprocess
import tempfile
import wave
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.audit import Actor, record_audit
from callcenter.core.bus import announce
from callcenter.core.clock import now
from callcenter.core.ids import new_id
from callcenter.speech import queries
from callcenter.speech.audio import PEAK_DECIBEL, SAMPLE_RATE, ToolFailed, ToolTooSlow, run_tool
from callcenter.speech.errors import (
    RecordingBroken,
    RecordingFormatUnknown,
    RecordingNotFound,
    RecordingSilent,
    RecordingTooLarge,
    RecordingTooLong,
    RecordingTooShort,
    SpokenTextNotFound,
)
from callcenter.speech.languages import Language
from callcenter.speech.models import PromptRecording, SpokenAudio, SpokenText
from callcenter.speech.service import TOPIC, fingerprint

MAX_RECORDING_BYTES = 10 * 1024 * 1024
MAX_SECONDS = 300.0
MIN_SECONDS = 0.3
RECORDING = "recording"
"""``SpokenAudio.provider`` of somebody's own voice."""

_CONVERSION_SECONDS = 60.0
_AUDIBLE_DECIBEL = -50.0
_AUDIBLE_SECONDS = 0.2
_FRAME_SECONDS = 0.02
_converters = ThreadPoolExecutor(max_workers=2, thread_name_prefix="recording")


@dataclass(frozen=True, slots=True)
class Recorded:
    """Telephone audio: a WAV file's content, and how long it plays."""

    wav: bytes
    seconds: float


async def convert_recording(content: bytes) -> Recorded:
    """``content`` as telephone audio. Raises one of the ``Recording...`` errors, each with a code of its own."""
    if len(content) > MAX_RECORDING_BYTES:
        raise RecordingTooLarge
    kind = _kind(content)
    return await asyncio.get_running_loop().run_in_executor(_converters, _convert, content, kind)


async def put_text_recording(
    session: AsyncSession, actor: Actor, slot: str, language: Language, recorded: Recorded
) -> SpokenText:
    """Callers hear it as soon as the PBX has it, until the text changes. Raises SpokenTextNotFound."""
    row = await queries.find_text(session, slot, language, lock=True)
    if row is None:
        raise SpokenTextNotFound
    audio = _own_audio(session, recorded, row.text_fingerprint)
    await session.flush()
    row.coming_audio_id = audio.id
    row.due_at = row.claimed_by = row.last_error = None
    row.attempts = 0
    record_audit(session, actor, "speech.put_recording", subject_id=slot, language=language)
    await announce(session, TOPIC, [slot])
    return row


async def remove_text_recording(session: AsyncSession, actor: Actor, slot: str, language: Language) -> None:
    """The text is rendered again; until then the recording plays. Raises SpokenTextNotFound, RecordingNotFound."""
    row = await queries.find_text(session, slot, language, lock=True)
    if row is None:
        raise SpokenTextNotFound
    audio_id = row.coming_audio_id or row.audio_id
    current = await session.get(SpokenAudio, audio_id) if audio_id else None
    if current is None or current.provider != RECORDING:
        raise RecordingNotFound
    row.coming_audio_id = row.claimed_by = None
    row.stage = "fall-back" if row.audio_id is None else "provider"
    row.due_at, row.attempts = now(), 0
    record_audit(session, actor, "speech.remove_recording", subject_id=slot, language=language)
    await announce(session, TOPIC, [slot])


async def put_prompt_recording(
    session: AsyncSession, actor: Actor, sound: str, language: Language, *, text: str, recorded: Recorded
) -> PromptRecording:
    """It is played in place of the standard prompt ``sound``, which says ``text``, from the next call on."""
    audio = _own_audio(session, recorded, fingerprint(text))
    await session.flush()
    row = await session.get(PromptRecording, (sound, language), with_for_update=True)
    if row is None:
        row = PromptRecording(sound=sound, language=language)
        session.add(row)
    row.audio_id, row.recorded_at, row.recorded_by = audio.id, now(), actor.name
    record_audit(session, actor, "speech.put_prompt_recording", subject_id=sound, language=language)
    await announce(session, TOPIC, [sound])
    return row


async def remove_prompt_recording(session: AsyncSession, actor: Actor, sound: str, language: Language) -> None:
    """The standard prompt is back on the next call. Raises RecordingNotFound."""
    row = await session.get(PromptRecording, (sound, language), with_for_update=True)
    if row is None:
        raise RecordingNotFound
    await session.delete(row)
    record_audit(session, actor, "speech.remove_prompt_recording", subject_id=sound, language=language)
    await announce(session, TOPIC, [sound])


def _own_audio(session: AsyncSession, recorded: Recorded, text_fingerprint: str) -> SpokenAudio:
    audio = SpokenAudio(
        id=new_id(),
        text_fingerprint=text_fingerprint,
        provider=RECORDING,
        provider_version="1",
        voice="",
        seconds=recorded.seconds,
        wav=recorded.wav,
        created_at=now(),
    )
    session.add(audio)
    return audio


# -- conversion


def _kind(content: bytes) -> str:
    """What sox calls this kind of file. Raises RecordingFormatUnknown, also for what this sox cannot read."""
    if content[:4] in (b"RIFF", b"RIFX") and content[8:12] == b"WAVE":
        kind = "wav"
    elif content[:4] == b"OggS":
        kind = "vorbis"
    elif content[:4] == b"fLaC":
        kind = "flac"
    elif content[:3] == b"ID3" or (len(content) > 1 and content[0] == 0xFF and content[1] & 0xE0 == 0xE0):
        kind = "mp3"
    else:
        raise RecordingFormatUnknown
    if kind not in _readable_kinds():
        raise RecordingFormatUnknown(f"This machine reads no {kind} files.", readable=sorted(_readable_kinds()))
    return kind


@lru_cache(maxsize=1)
def _readable_kinds() -> frozenset[str]:
    formats = run_tool(["sox", "--help"]).partition("AUDIO FILE FORMATS:")[2].partition("\n")[0].split()
    return frozenset({"wav", "vorbis", "flac", "mp3"}.intersection(formats))


def _convert(content: bytes, kind: str) -> Recorded:
    with tempfile.TemporaryDirectory() as folder:
        given, plain, finished = (Path(folder) / name for name in ("given", "plain.wav", "finished.wav"))
        given.write_bytes(content)
        # No longer than tells that it is too long: a small file may unpack to hours. The high-pass takes hum and
        # a constant voltage away, neither of which is speech.
        effects = [
            "trim",
            "0",
            f"{MAX_SECONDS + 1:g}",
            "remix",
            "-",
            "gain",
            "-3",
            "highpass",
            "80",
            "rate",
            str(SAMPLE_RATE),
        ]
        _sox(["-t", kind, str(given), "-b", "16", "-t", "wav", str(plain), *effects])
        seconds = _require_speech(plain)
        _sox(["-t", "wav", str(plain), "-b", "16", "-t", "wav", str(finished), "norm", str(PEAK_DECIBEL)])
        return Recorded(finished.read_bytes(), seconds)


def _sox(arguments: list[str]) -> None:
    try:
        done = subprocess.run(
            ["sox", "-D", *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_CONVERSION_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolFailed("sox is not installed: apt-get install sox.") from error
    except subprocess.TimeoutExpired as error:
        raise ToolTooSlow("sox took too long over the recording.") from error
    if done.returncode != 0 or "premature EOF" in done.stderr.replace("Premature", "premature"):
        raise RecordingBroken


def _require_speech(path: Path) -> float:
    """The seconds of ``path``. Raises RecordingTooLong, RecordingTooShort, RecordingSilent."""
    with wave.open(str(path)) as wav:
        samples = array.array("h", wav.readframes(wav.getnframes()))
    seconds = len(samples) / SAMPLE_RATE
    if seconds > MAX_SECONDS:
        raise RecordingTooLong
    if seconds < MIN_SECONDS:
        raise RecordingTooShort
    size = int(_FRAME_SECONDS * SAMPLE_RATE)
    audible = sum(_decibel(samples[start : start + size]) > _AUDIBLE_DECIBEL for start in range(0, len(samples), size))
    if audible * _FRAME_SECONDS < _AUDIBLE_SECONDS:
        raise RecordingSilent
    return seconds


def _decibel(samples: Iterable[int]) -> float:
    """Loudness below the loudest that 16 bits can hold."""
    values = list(samples)
    power = sum(value * value for value in values) / len(values)
    return 10 * math.log10(power / 32768**2) if power else -math.inf
