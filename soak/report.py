"""The soak's report: for each fault how often, how often not well, how long it took."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from soak.results import Result, failures


@dataclass(frozen=True, slots=True)
class Line:
    """One fault test. ``failed`` counts time-outs too; ``worst`` repetitions have their evidence beside the report."""

    test: str
    done: int
    failed: int
    mean_seconds: float
    longest_seconds: float
    worst: tuple[str, ...]


def summary(results: Sequence[Result]) -> list[Line]:
    """By test, in the order of their names."""
    lines = []
    for test in sorted({result.test for result in results}):
        of_test = [result for result in results if result.test == test]
        bad = failures(of_test)
        seconds = [result.seconds for result in of_test]
        evidence = tuple(result.evidence for result in bad if result.evidence)
        lines.append(Line(test, len(of_test), len(bad), round(fmean(seconds), 1), round(max(seconds), 1), evidence))
    return lines


def write(folder: Path, results: Sequence[Result], *, conditions: str, left: int) -> Path:
    """``report.md`` and ``report.json`` in ``folder``; ``left``: repetitions that were not run."""
    lines = summary(results)
    failed = sum(line.failed for line in lines)
    (folder / "report.json").write_text(
        json.dumps({"conditions": conditions, "left": left, "faults": [asdict(line) for line in lines]}, indent=1)
    )
    text = [
        "# Soak",
        "",
        conditions,
        "",
        f"{len(results)} repetitions, {failed} failed, {left} not run.",
        "",
        "| fault | done | failed | mean s | longest s | evidence |",
        "|---|---|---|---|---|---|",
        *(
            f"| {_short(line.test)} | {line.done} | {line.failed} | {line.mean_seconds} | {line.longest_seconds} "
            f"| {', '.join(line.worst) or '–'} |"
            for line in lines
        ),
        "",
    ]
    path = folder / "report.md"
    path.write_text("\n".join(text))
    return path


def _short(test: str) -> str:
    """``test_x.py::test_y`` of a longer id."""
    return test.rpartition("/")[2].replace("|", "\\|")
