"""`make lint` fails on a dependency with a known vulnerability, and says so when it could not look."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "audit.py"
HASH = "--hash=sha256:" + "0" * 64


class Advisories(BaseHTTPRequestHandler):
    """OSV's API, which knows of one vulnerability in `leaky`."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = {"id": "TEST-1", "affected": [{"package": {"name": "leaky", "ecosystem": "PyPI"}, "ranges": []}]}
        body = json.dumps({"vulns": [known]} if asked["package"]["name"] == "leaky" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Nothing is printed among the tests' dots."""


@contextmanager
def advisory_source() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Advisories) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def audit(tmp_path: Path, requirements: str, osv_url: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "requirements.txt"
    file.write_text(requirements)
    environment = {**os.environ, "CALLCENTER_OSV_URL": osv_url, "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        [sys.executable, SCRIPT, file], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(("package", "code", "said"), [("leaky", 1, "leaky 1.0: TEST-1"), ("sound", 0, "")])
def test_a_known_vulnerability_fails(tmp_path: Path, package: str, code: int, said: str) -> None:
    with advisory_source() as url:
        done = audit(tmp_path, f"{package}==1.0 \\\n    {HASH}\n", url)
    assert (done.returncode, said in done.stdout, bool(done.stdout)) == (code, True, bool(said)), done


def test_without_an_advisory_source_that_is_said(tmp_path: Path) -> None:
    done = audit(tmp_path, f"sound==1.0 {HASH}\n", "http://127.0.0.1:1/v1/query")
    assert (done.returncode, "NOT audited" in done.stdout) == (0, True), done


@pytest.mark.parametrize("loose", ["sound", "sound>=1.0", "sound==1.0", f"sound>=1.0 {HASH}", "./sound"])
def test_what_is_not_pinned_by_hash_fails(tmp_path: Path, loose: str) -> None:
    done = audit(tmp_path, f"fine==1.0 {HASH}\n{loose}\n", "http://127.0.0.1:1/v1/query")
    assert (done.returncode, f"not pinned by hash: requirements.txt: {loose}"[:80] in done.stdout) == (1, True), done
