"""A speech service of the hospital's own, asked over HTTP.

``POST <url>`` with the JSON body ``{"text": ..., "language": "zh" or "en", "voice": ...}`` and, when a token is set,
``Authorization: Bearer <token>``; the answer is 200 and a WAV file of any rate. Whatever else comes is refused.
"""

import time
import wave
from collections.abc import Mapping
from pathlib import Path

import httpx

from callcenter.speech.errors import SpeechFailed
from callcenter.speech.languages import Language

MAX_AUDIO_BYTES = 64 * 1024 * 1024


class HttpProvider:
    """One service. ``timeout_seconds`` is for the whole answer, not for each part of it."""

    name = "http"
    version = "1"

    def __init__(
        self, url: str, *, voices: Mapping[Language, str], token: str | None = None, timeout_seconds: float = 120.0
    ) -> None:
        self._url = url
        self._voices = voices
        self._headers = {"Accept": "audio/wav"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._timeout_seconds = timeout_seconds

    def voice(self, language: Language) -> str:
        return self._voices.get(language, "")

    def speak(self, text: str, language: Language, wav_path: Path) -> None:
        """Raises SpeechFailed: refused, too slow, too large, no WAV. The message quotes neither text nor token."""
        body = {"text": text, "language": language, "voice": self.voice(language)}
        deadline = time.monotonic() + self._timeout_seconds
        try:
            with (
                httpx.Client(timeout=self._timeout_seconds, follow_redirects=False) as client,
                client.stream("POST", self._url, json=body, headers=self._headers) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise SpeechFailed(f"The speech service answered {response.status_code}.")
                _save(response, wav_path, deadline)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SpeechFailed(f"The speech service cannot be asked: {type(error).__name__}.") from error
        _require_wav(wav_path)


def _save(response: httpx.Response, wav_path: Path, deadline: float) -> None:
    size = 0
    with wav_path.open("wb") as file:
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > MAX_AUDIO_BYTES:
                raise SpeechFailed(f"The speech service sent more than {MAX_AUDIO_BYTES // 1024 // 1024} MB.")
            if time.monotonic() > deadline:
                raise SpeechFailed("The speech service took too long.")
            file.write(chunk)


def _require_wav(path: Path) -> None:
    """Whole: a connection that broke without a word leaves fewer samples than the header says."""
    try:
        with wave.open(str(path)) as wav:
            frames = wav.getnframes()
            whole = frames > 0 and len(wav.readframes(frames)) == frames * wav.getnchannels() * wav.getsampwidth()
    except (wave.Error, EOFError, ValueError) as error:
        raise SpeechFailed("The speech service did not send a WAV file.") from error
    if not whole:
        raise SpeechFailed("The speech service sent a WAV file that is cut off.")
