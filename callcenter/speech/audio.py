"""Audio as the telephone carries it: 8 kHz, 16 bit, mono, peak -3 dB. Blocking, by the program sox."""

import subprocess
import wave
from collections.abc import Sequence
from pathlib import Path

from callcenter.core.errors import SetupError, Unavailable

SAMPLE_RATE = 8000
PEAK_DECIBEL = -3

TOOL_SECONDS = 120.0


class ToolFailed(SetupError):
    """A program that speaks or converts refused its work; the message is its last words."""

    code = "speech-tool-failed"


class ToolTooSlow(Unavailable):
    """A program that speaks or converts did not end in time and was killed."""

    code = "speech-tool-too-slow"


def to_telephone(raw: Path, finished: Path) -> None:
    """Speech of any rate as telephone audio, without silence at its ends. Raises SetupError, ToolTooSlow."""
    # Trimmed after levelling, so that the threshold means the same for every voice; a little air stays at both ends.
    trim = ["silence", "1", "0.01", "0.2%", "reverse"]
    effects = ["rate", str(SAMPLE_RATE), *_level(), *trim, *trim, "pad", "0.04", "0.06"]
    run_tool(["sox", "-D", str(raw), "-c", "1", "-b", "16", str(finished), *effects])


def write_tone(finished: Path, *, hertz: int, seconds: float) -> None:
    """A plain tone as telephone audio. Raises SetupError."""
    tone = ["synth", str(seconds), "sine", str(hertz), "fade", "0.01", "-0", "0.01"]
    run_tool(["sox", "-D", "-n", "-r", str(SAMPLE_RATE), "-c", "1", "-b", "16", str(finished), *tone, *_level()])


def wav_seconds(path: Path) -> float:
    """Length of a wav file in seconds."""
    with wave.open(str(path)) as wav:
        return float(wav.getnframes() / wav.getframerate())


def run_tool(command: Sequence[str], stdin: str = "", *, timeout_seconds: float = TOOL_SECONDS) -> str:
    """What ``command`` prints. Raises SetupError when it is not installed or fails, ToolTooSlow."""
    try:
        result = subprocess.run(
            command, input=stdin, capture_output=True, text=True, check=True, timeout=timeout_seconds
        )
    except FileNotFoundError as error:
        raise SetupError(f"{command[0]} is not installed: apt-get install {command[0]}.") from error
    except subprocess.CalledProcessError as error:
        raise ToolFailed(f"{command[0]} failed: {error.stderr.strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolTooSlow(f"{command[0]} took longer than {timeout_seconds:g} s.") from error
    return result.stdout


def _level() -> list[str]:
    return ["norm", str(PEAK_DECIBEL)]
