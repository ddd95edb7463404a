"""What a soak has done so far: one JSON line for each repetition, so that a killed one goes on where it was."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

OUTCOMES = ("passed", "failed", "timed_out")


@dataclass(frozen=True, slots=True)
class Repetition:
    """The ``number``-th run of a test (from 1)."""

    test: str
    number: int


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a repetition. ``outcome`` is one of :data:`OUTCOMES`; ``evidence`` a file, if it did not pass."""

    test: str
    number: int
    outcome: str
    seconds: float
    ended_at: str
    evidence: str | None = None

    @property
    def repetition(self) -> Repetition:
        return Repetition(self.test, self.number)


class ResultFile:
    """``results.jsonl`` in ``folder``. Its first line says of which commit: another one's results are set aside."""

    def __init__(self, folder: Path, commit: str, at: datetime) -> None:
        self.folder = folder
        self.results: list[Result] = []
        self.set_aside: Path | None = None
        self._path = folder / "results.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        lines = _whole_lines(self._path)
        if lines and lines[0].get("commit") != commit:
            self.set_aside = folder / f"results-{at:%Y%m%dT%H%M%S}.jsonl"
            self._path.rename(self.set_aside)
            lines = []
        if not lines:
            self._path.write_text(json.dumps({"commit": commit, "begun_at": at.isoformat()}) + "\n")
        self.results = [Result(**line) for line in lines[1:]]
        _cut_half_line(self._path)

    def add(self, result: Result) -> None:
        """On disk before the next repetition begins."""
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")
        self.results.append(result)


def plan(tests: Iterable[str], repetitions: int, seed: int, done: Iterable[Result]) -> list[Repetition]:
    """What is still to do, in an order that ``seed`` decides; what is done is not repeated."""
    whole = [Repetition(test, number) for test in sorted(tests) for number in range(1, repetitions + 1)]
    Random(seed).shuffle(whole)  # noqa: S311 - an order, no secret
    over = {result.repetition for result in done}
    return [one for one in whole if one not in over]


def failures(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if result.outcome != "passed"]


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def _cut_half_line(path: Path) -> None:
    """What a soak that was killed while writing left behind."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        path.write_bytes(whole)
