"""One text spoken in a process of its own: what hangs is killed, what crashes takes nobody with it.

The engine runs ``python -m callcenter.speech.speaker`` with a job as JSON on its standard input (nothing of it
stands in the process list); it answers with who spoke as JSON, or with one sentence on standard error and status 1.
It is started for each text, so it imports little.
"""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from callcenter.core.errors import CallcenterError, SetupError
from callcenter.speech.audio import to_telephone, wav_seconds
from callcenter.speech.errors import SpeechFailed
from callcenter.speech.languages import Language
from callcenter.speech.providers import EspeakProvider, KokoroProvider, SpeechProvider, speak

ProviderName = Literal["espeak-ng", "kokoro", "http"]

SECONDS_PER_CHARACTER = 0.25
"""What a text may take beside ``timeout_seconds``: Kokoro needs 0.1 s of one core for a character (measured)."""
_NICENESS = 10
"""Calls come first."""
_SHORTEST_SECONDS = 0.15
"""Air at both ends is 0.1 s: what is not longer holds no word."""


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """A speech engine and what it takes to ask it; plain values, for another process."""

    provider: ProviderName
    timeout_seconds: float
    voices_dir: str | None = None
    http_url: str | None = None
    http_token: str | None = None
    http_voice_zh: str = ""
    http_voice_en: str = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What came of it: who spoke, and for how long."""

    provider: str
    provider_version: str
    voice: str
    seconds: float


def make_provider(choice: EngineChoice) -> SpeechProvider:
    """Raises SetupError when something that it needs is not set or not installed."""
    match choice.provider:
        case "espeak-ng":
            return EspeakProvider()
        case "kokoro":
            if choice.voices_dir is None:
                raise SetupError("Kokoro needs its voices (CALLCENTER_SPEECH_VOICES_DIR): see docs/prompts.md.")
            return KokoroProvider(Path(choice.voices_dir))
        case "http":
            if choice.http_url is None:
                raise SetupError("The speech service has no address: set CALLCENTER_SPEECH_HTTP_URL.")
            from callcenter.speech.http_provider import HttpProvider  # slow, and the others need none of it

            return HttpProvider(
                choice.http_url,
                voices={"zh": choice.http_voice_zh, "en": choice.http_voice_en},
                token=choice.http_token,
                timeout_seconds=choice.timeout_seconds,
            )


def voice_of(choice: EngineChoice, language: Language) -> str:
    """The voice with which this engine would speak, without starting it."""
    match choice.provider:
        case "espeak-ng":
            return EspeakProvider().voice(language)
        case "kokoro":
            return KokoroProvider.voice(language)
        case "http":
            return {"zh": choice.http_voice_zh, "en": choice.http_voice_en}[language]


def allowed_seconds(choice: EngineChoice, text: str) -> float:
    """How long this engine may take over ``text``."""
    return choice.timeout_seconds + SECONDS_PER_CHARACTER * len(text)


async def speak_apart(choice: EngineChoice, text: str, language: Language, wav_path: Path) -> Spoken:
    """Have ``text`` spoken into ``wav_path`` as telephone audio. Raises SpeechFailed, also when it takes too long.

    The process is killed with its children when this is cancelled.
    """
    job = {"choice": asdict(choice), "text": text, "language": language, "wav_path": str(wav_path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(allowed := allowed_seconds(choice, text)):
            out, words = await process.communicate(json.dumps(job).encode())
    except TimeoutError:
        raise SpeechFailed(f"{choice.provider} took longer than {allowed:g} s.") from None
    finally:
        await _end(process)
    if process.returncode != 0:
        last_words = words.decode(errors="replace").strip().splitlines()[-1:] or [f"status {process.returncode}"]
        raise SpeechFailed(f"{choice.provider}: {last_words[0]}")
    return Spoken(**json.loads(out.splitlines()[-1]))  # an engine's library may print before it


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def main() -> None:
    """The process: one job in, one answer out."""
    os.nice(_NICENESS)
    job = json.load(sys.stdin)
    language: Language = job["language"]
    wav_path = Path(job["wav_path"])
    raw = wav_path.with_suffix(".raw.wav")
    try:
        provider = make_provider(EngineChoice(**job["choice"]))
        speak(provider, job["text"], language, raw)
        to_telephone(raw, wav_path)
        seconds = wav_seconds(wav_path)
        if seconds < _SHORTEST_SECONDS:
            raise SpeechFailed("the engine gave nothing to hear")
    except CallcenterError as error:
        sys.exit(error.message)
    finally:
        raw.unlink(missing_ok=True)
    spoken = Spoken(provider.name, provider.version, provider.voice(language), seconds)
    sys.stdout.write(json.dumps(asdict(spoken)))


if __name__ == "__main__":
    main()
