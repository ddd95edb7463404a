"""A whole soak of tests that take no time: to its end, broken off, gone on with."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from callcenter.core.processes import poll_until

ROOT = Path(__file__).resolve().parents[3]
TESTS = """
import subprocess, sys, time
from pathlib import Path

def test_good(): pass

def test_bad(): print("so it looked"); raise AssertionError

def test_leaves_something_running():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    Path(__file__).with_name("left").write_text(str(child.pid))

def test_hangs(): Path(__file__).with_name("hanging").touch(); time.sleep(600)
"""


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    path = tmp_path / "tests" / "test_quick.py"
    path.parent.mkdir()
    path.write_text(TESTS)
    return path


def command(tests: Path, *words: str) -> list[str]:
    report = str(tests.parents[1] / "report")
    return [sys.executable, "-m", "soak", str(tests.parent), "--report", report, "-n", "2", *words]


def soak(tests: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(tests, *words), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def evidence_of(tests: Path) -> str:
    """What the repetitions that did not pass wrote, for a failed test's report."""
    return "\n".join(path.read_text() for path in sorted((tests.parents[1] / "report").glob("evidence/*")))


def done(tests: Path) -> list[tuple[str, int, str]]:
    lines = (tests.parents[1] / "report" / "results.jsonl").read_text().splitlines()[1:]
    return sorted(
        (line["test"].rpartition("::")[2], line["number"], line["outcome"]) for line in map(json.loads, lines)
    )


def test_two_rounds_then_only_what_is_new(tests: Path) -> None:
    first = soak(tests, "-k", "good or bad")
    assert first.returncode == 1, first.stderr
    bad, good = [("test_bad", n, "failed") for n in (1, 2)], [("test_good", n, "passed") for n in (1, 2)]
    assert done(tests) == [*bad, *good], evidence_of(tests)
    evidence = sorted((tests.parents[1] / "report" / "evidence").iterdir())
    assert ["so it looked" in path.read_text() for path in evidence] == [True, True]
    assert "| test_quick.py::test_good | 2 | 0 |" in first.stdout
    again = soak(tests, "-k", "good", "-n", "3")
    assert done(tests) == [*bad, *good, ("test_good", 3, "passed")]
    assert "5/5" not in again.stderr
    assert again.stderr.count(" passed ") == 1


def test_it_stops_at_the_first_failure_when_told(tests: Path) -> None:
    assert soak(tests, "-k", "bad", "-E", "1", "--max-failures", "1").returncode == 1
    assert len(done(tests)) == 1


def test_nothing_is_left_running(tests: Path) -> None:
    assert soak(tests, "-k", "leaves", "-n", "1").returncode == 0, evidence_of(tests)
    pid = int(tests.with_name("left").read_text())
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]


def test_interrupted_it_ends_in_order_and_counts_nothing(tests: Path) -> None:
    process = subprocess.Popen(
        command(tests, "-k", "hangs"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert poll_until(tests.with_name("hanging").exists, 60)
        os.kill(process.pid, signal.SIGTERM)
        output, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, output
    assert done(tests) == []
    assert "0 repetitions, 0 failed, 2 not run." in output
