"""What a bench finds: one line of its table, ours against a reference measured in the same run.

Machines differ and are noisy, so the ratio is the result; ours and the reference only show where it comes from.
"""

import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Figure:
    """``ours`` and ``reference`` in ``unit``; ``reference`` None: there is nothing to compare with.

    ``better``: which way is good. ``goal``: the worst ratio (ours / reference) that is good enough, or without a
    reference the worst value of ours; None: no goal is set.
    """

    what: str
    ours: float
    unit: str
    reference: float | None = None
    reference_is: str = ""
    """What the reference was, in a few words."""
    better: Literal["lower", "higher"] = "lower"
    goal: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.reference if self.reference else None

    @property
    def is_met(self) -> bool | None:
        """None without a goal."""
        if self.goal is None:
            return None
        value = self.ours if self.ratio is None else self.ratio
        return value <= self.goal if self.better == "lower" else value >= self.goal


def markdown_table(figures: Iterable[Figure]) -> str:
    """As docs/performance.md keeps it."""
    lines = ["| what | ours | reference | ratio | goal | met |", "|---|---|---|---|---|---|"]
    for figure in figures:
        reference = "–" if figure.reference is None else f"{_short(figure.reference)} ({figure.reference_is})"
        ratio = "–" if figure.ratio is None else f"{figure.ratio:.2f}"
        sign = "≤" if figure.better == "lower" else "≥"
        goal = "–" if figure.goal is None else f"{sign} {_short(figure.goal)}"
        met = {None: "–", True: "yes", False: "**no**"}[figure.is_met]
        ours = f"{_short(figure.ours)} {figure.unit}"
        lines.append(f"| {figure.what} | {ours} | {reference} | {ratio} | {goal} | {met} |")
    return "\n".join(lines)


def conditions() -> str:
    """Date, commit and machine, without which a figure says nothing."""
    memory_gb = int(_field("/proc/meminfo", "MemTotal").split()[0]) / 1024 / 1024
    cores = _count("/proc/cpuinfo", "processor")
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit()}; {cores} cores "
        f"({_field('/proc/cpuinfo', 'model name')}), {memory_gb:.0f} GB, Python {platform.python_version()}."
    )


def commit() -> str:
    """Of the code that is measured; with ``-dirty`` if it stands in no commit."""
    found = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def _short(value: float) -> str:
    """Three digits that matter; large numbers whole."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def _count(path: str, name: str) -> int:
    return sum(line.partition(":")[0].strip() == name for line in Path(path).read_text().splitlines())
