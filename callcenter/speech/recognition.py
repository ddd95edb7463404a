"""How well spoken prompts are understood: a recogniser listens, and its errors are counted.

A means to compare texts and voices, not a measure of what people understand: it is a small model that hears a
telephone line. Needs the ``listen`` extra and a Whisper model (docs/prompts.md); nothing that runs needs it.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from callcenter.core.errors import SetupError
from callcenter.speech.languages import Language
from callcenter.speech.numbers_zh import digit_by_digit, number
from callcenter.speech.spoken_forms import spoken_form

LIMIT_ERROR_RATE = 0.12
"""Of the characters of the standard prompts in Mandarin."""

_CHINESE_HINT = "以下是普通话的句子。"
"""Without it the model answers in traditional characters, or in English."""


@dataclass(frozen=True, slots=True)
class Heard:
    """``wanted`` and ``heard``: what is compared, characters in Chinese and words in English."""

    wanted: Sequence[str]
    heard: Sequence[str]

    @property
    def errors(self) -> int:
        return edit_distance(self.wanted, self.heard)


class Recogniser:
    """Whisper by faster-whisper, 8 bit, on the processor. Raises SetupError when the extra or model is missing."""

    def __init__(self, model_dir: Path) -> None:
        whisper = _module("faster_whisper")
        if not (model_dir / "model.bin").is_file():
            raise SetupError(f"{model_dir} holds no Whisper model for faster-whisper: docs/prompts.md says where from.")
        self._model = whisper.WhisperModel(str(model_dir), device="cpu", compute_type="int8", cpu_threads=2)
        self._to_simplified = _module("opencc").OpenCC("t2s")

    def listen(self, path: Path, text: str, language: Language) -> Heard:
        """What is understood of the audio in ``path``, which should say ``text``."""
        segments, _ = self._model.transcribe(
            str(path),
            language=language,
            beam_size=5,
            initial_prompt=_CHINESE_HINT if language == "zh" else None,
            condition_on_previous_text=False,
            temperature=0,
        )
        heard = "".join(segment.text for segment in segments)
        if language == "zh":
            heard = self._to_simplified.convert(heard)
        return Heard(compared_parts(text, language), compared_parts(heard, language))


def compared_parts(text: str, language: Language) -> list[str]:
    """What of a text is compared: no punctuation, no case, numbers as they are said, 幺 as 一."""
    text = unicodedata.normalize("NFKC", text).lower()
    if language == "en":
        return re.findall(r"[a-z']+", re.sub(r"[-\d]+", lambda found: f" {_english_digits(found.group())} ", text))
    said = re.sub(r"\d+", lambda found: _chinese_figure(found.group()), text).replace("幺", "一").replace("两", "二")
    return [character for character in said if character.isalpha()]


def edit_distance(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """The fewest insertions, deletions and replacements between the two (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for index, one in enumerate(wanted, start=1):
        previous, row = row, [index]
        for position, other in enumerate(heard, start=1):
            row.append(min(previous[position] + 1, row[-1] + 1, previous[position - 1] + (one != other)))
    return row[-1]


def error_rate(heard: Sequence[Heard]) -> float:
    """Errors over all that was wanted; 0 when there was nothing."""
    wanted = sum(len(one.wanted) for one in heard)
    return sum(one.errors for one in heard) / wanted if wanted else 0.0


def _chinese_figure(digits: str) -> str:
    """A recogniser writes 二十 as 20 and 一三八零五六 as 138056: short ones are numbers."""
    return number(digits) if len(digits) <= 2 else digit_by_digit(digits)


def _english_digits(figure: str) -> str:
    return " ".join(spoken_form(digit, "en") for digit in figure if digit.isdecimal())


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise SetupError(f"Listening needs the Python module {name}: install callcenter[listen].") from error
