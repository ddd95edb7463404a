"""`make demo` as a person runs it: it plays, stays up, and Ctrl-C stops all of it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from callcenter.core.config import Settings
from demo.observer import until
from demo.stack import environment


def test_demo_stays_up_until_interrupted_and_leaves_nothing(settings: Settings, tmp_path: Path) -> None:
    settings.state_dir.rmdir()  # the demo makes and marks its own
    env = {**os.environ, **environment(settings, "")}
    del env["CALLCENTER_DATABASE_URL"]
    log = tmp_path / "demo.log"
    with log.open("wb") as out:
        demo = subprocess.Popen([sys.executable, "-m", "demo"], env=env, stdout=out, stderr=out, start_new_session=True)
    try:

        async def stays_up() -> bool:
            assert demo.poll() is None, log.read_text()
            return "It stays up" in log.read_text()

        asyncio.run(until("the story is over", stays_up, timeout_seconds=600))
        assert "Story and records agree" in log.read_text()
        assert processes_of(settings), "nothing runs"
        demo.send_signal(signal.SIGINT)
        assert demo.wait(40) == 0

        async def nothing_left() -> bool:
            return processes_of(settings) == []

        asyncio.run(until("everything has ended", nothing_left))
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.wait()


def processes_of(settings: Settings) -> list[str]:
    """Command lines that name this installation: its directory, or its SIP port."""
    marks = (str(settings.state_dir), f"127.0.0.1:{settings.sip_port}")
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if any(mark in line for mark in marks):
            lines.append(line)
    return lines
