"""Runs repetitions side by side, each in a process of its own that is ended with all it started when it hangs."""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from soak.results import Repetition, Result, ResultFile, failures

ROOT = Path(__file__).resolve().parents[1]
TEST_SECONDS = 900.0
"""No fault test takes a quarter of this."""
_FIRST_SLOT = 8
"""Of the sixteen port ranges of tests (demo.stack.private_settings): make test beside a soak takes the first."""
_GRACE_SECONDS = 60.0
_MARK = "SOAK_REPETITION"
"""Environment variable by which all that a repetition started is known, whatever session it is in."""


def pytest_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]


async def collect(folder: str, expression: str) -> list[str]:
    """The ids of the tests in ``folder`` that ``expression`` (pytest's ``-k``) selects. Raises SystemExit for none."""
    own_root = Path(folder) if Path(folder).is_absolute() else ROOT  # ids are told from it, wherever both lie
    command = pytest_command(
        *("-o", "addopts=", "-q", "--collect-only", f"--rootdir={own_root}", folder),
        *(["-k", expression] if expression else []),
    )
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await process.communicate())[0].decode(errors="replace")
    ids = [line for line in output.splitlines() if "::" in line and not line.startswith(("ERROR", "FAILED"))]
    tests = [f"{folder}/{name}" for name in ids] if Path(folder).is_absolute() else ids  # as pytest names them
    if process.returncode != 0 or not tests:
        raise SystemExit(f"soak: no test was found:\n{output}")
    return tests


class Soak:
    """Works off ``todo`` on ``workers`` until it is done, told to stop, or ``max_failures`` repetitions failed."""

    def __init__(
        self,
        file: ResultFile,
        todo: Sequence[Repetition],
        *,
        workers: int,
        max_failures: int,
        on_result: Callable[[Result], None],
        test_seconds: float = TEST_SECONDS,
    ) -> None:
        self._file = file
        self._todo = list(reversed(todo))
        self._workers = workers
        self._max_failures = max_failures
        self._on_result = on_result
        self._test_seconds = test_seconds
        self._stopping = asyncio.Event()

    @property
    def left(self) -> int:
        return len(self._todo)

    def stop(self) -> None:
        """Repetitions under way are ended and not counted."""
        self._stopping.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for worker in range(self._workers):
                group.create_task(self._work(worker))

    async def _work(self, worker: int) -> None:
        while self._todo and not self._stopping.is_set():
            repetition = self._todo.pop()
            result = await self._repeat(repetition, worker)
            if result is None:
                self._todo.append(repetition)
                return
            self._file.add(result)
            self._on_result(result)
            if len(failures(self._file.results)) >= self._max_failures:
                self.stop()

    async def _repeat(self, repetition: Repetition, worker: int) -> Result | None:
        """None when it was interrupted."""
        evidence = self._file.folder / "evidence" / f"{_file_name(repetition.test)}-{repetition.number}.log"
        evidence.parent.mkdir(exist_ok=True)
        begun = time.monotonic()
        mark = uuid4().hex
        with evidence.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *pytest_command(repetition.test),
                cwd=ROOT,
                env={**os.environ, "PYTEST_XDIST_WORKER": f"gw{_FIRST_SLOT + worker}", _MARK: mark},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                outcome = await self._outcome(process)
            finally:
                await asyncio.to_thread(_end_marked, mark)
        if outcome == "passed" or outcome is None:
            evidence.unlink()
        if outcome is None:
            return None
        return Result(
            repetition.test,
            repetition.number,
            outcome,
            round(time.monotonic() - begun, 1),
            datetime.now(UTC).isoformat(timespec="seconds"),
            None if outcome == "passed" else str(evidence.relative_to(self._file.folder)),
        )

    async def _outcome(self, process: asyncio.subprocess.Process) -> str | None:
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({ended, stopping}, timeout=self._test_seconds, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return "passed" if ended.result() == 0 else "failed"
            interrupted = stopping.done()
            await _end(process)
            return None if interrupted else "timed_out"
        finally:
            stopping.cancel()
            ended.cancel()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let it clear away what it started."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_SECONDS):
                await process.wait()
                return


def _end_marked(mark: str) -> None:
    """What a repetition left running: after a good one nothing."""
    wanted = f"{_MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it ended meanwhile, or is somebody else's
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)


def _file_name(test: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", test.rpartition("/")[2])
