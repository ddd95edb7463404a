"""The speech service over HTTP: what goes there, and what is accepted from it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.speech import http_provider
from callcenter.speech.errors import SpeechFailed
from callcenter.speech.http_provider import HttpProvider
from tests.support.speech_server import SpeechServer, speech_server, whistle


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with speech_server() as server:
        yield server


def provider_of(server: SpeechServer, token: str | None = None) -> HttpProvider:
    return HttpProvider(server.url, voices={"zh": "xiaomei", "en": "amy"}, token=token, timeout_seconds=10)


def test_text_goes_there_and_a_wav_comes_back(server: SpeechServer, tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    provider_of(server, token="secret").speak("Hello", "en", path)
    assert path.read_bytes() == whistle()
    [(body, headers)] = server.requests
    assert body == {"text": "Hello", "language": "en", "voice": "amy"}
    assert headers["Authorization"] == "Bearer secret"


def test_without_a_token_none_is_sent(server: SpeechServer, tmp_path: Path) -> None:
    provider_of(server).speak("Hello", "en", tmp_path / "out.wav")
    assert "Authorization" not in server.requests[0][1]


@pytest.mark.parametrize("status", [201, 204, 302, 400, 401, 429, 500, 503])
def test_any_other_status_is_a_failure_that_quotes_no_text(server: SpeechServer, tmp_path: Path, status: int) -> None:
    server.answer = lambda _body: (status, b"" if status == 204 else b"private words")
    with pytest.raises(SpeechFailed, match=str(status)) as caught:
        provider_of(server, token="secret").speak("private words", "en", tmp_path / "out.wav")
    assert "private" not in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("content", [b"", b"<html>", whistle()[:5000], whistle()[:44]])
def test_what_is_no_whole_wav_is_a_failure(server: SpeechServer, tmp_path: Path, content: bytes) -> None:
    server.answer = lambda _body: (200, content)
    with pytest.raises(SpeechFailed, match="WAV"):
        provider_of(server).speak("Hello", "en", tmp_path / "out.wav")


def test_endless_answer_is_cut_off(server: SpeechServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_provider, "MAX_AUDIO_BYTES", 10_000)
    with pytest.raises(SpeechFailed, match="sent more"):
        provider_of(server).speak("Hello", "en", tmp_path / "out.wav")


def test_service_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(SpeechFailed, match="ConnectError"):
            HttpProvider(url, voices={}).speak("Hello", "en", tmp_path / "out.wav")


@pytest.mark.parametrize("url", ["", "speech.example", "ftp://127.0.0.1/x", "http://"])
def test_address_that_is_none_is_a_failure(tmp_path: Path, url: str) -> None:
    with pytest.raises(SpeechFailed):
        HttpProvider(url, voices={}).speak("Hello", "en", tmp_path / "out.wav")
