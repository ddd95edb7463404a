"""A speech service for the tests: real HTTP on loopback, its behaviour chosen by each test."""

import array
import json
import math
import threading
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

RATE = 16_000


def whistle(seconds: float = 1.0) -> bytes:
    """A WAV file at 16 kHz."""
    samples = array.array("h", (round(9000 * math.sin(index / 5)) for index in range(int(seconds * RATE))))
    with BytesIO() as file:
        with wave.open(file, "wb") as wav:
            wav.setparams((1, 2, RATE, 0, "NONE", ""))
            wav.writeframes(samples.tobytes())
        return file.getvalue()


@dataclass
class SpeechServer:
    """``answer(body)``: status and content. ``requests``: bodies and headers, in order."""

    url: str = ""
    answer: Callable[[dict[str, Any]], tuple[int, bytes]] = lambda _body: (200, whistle())
    requests: list[tuple[dict[str, Any], dict[str, str]]] = field(default_factory=list)


@contextmanager
def speech_server() -> Iterator[SpeechServer]:
    behaviour = SpeechServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            behaviour.requests.append((body, dict(self.headers)))
            status, content = behaviour.answer(body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    behaviour.url = f"http://127.0.0.1:{server.server_port}/speak"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield behaviour
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
