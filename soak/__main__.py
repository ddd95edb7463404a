"""``python -m soak``: repeats the fault tests by the hundred. Killed or interrupted, it goes on where it was."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench.figures import commit, conditions
from callcenter.core.config import Settings
from soak import report
from soak.results import Result, ResultFile, failures, plan
from soak.running import Soak, collect

FAULTS = "tests/e2e/faults"
out = Console(stderr=True)


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("tests", nargs="?", default=FAULTS, help=f"folder of tests ({FAULTS})")
    parser.add_argument("-k", dest="expression", default="", help="only tests that pytest's -k selects")
    parser.add_argument("-n", "--repetitions", type=int, default=100, help="of each test (100)")
    parser.add_argument("-E", "--workers", type=int, default=2, help="side by side (2, at most 8)")
    parser.add_argument("--seed", type=int, default=1, help="another one: another order (1)")
    parser.add_argument("--max-failures", type=int, default=20, help="stop after so many (20)")
    parser.add_argument(
        "--report", type=Path, help="folder of results, report and evidence (soak/ in the state folder)"
    )
    given = parser.parse_args(words)
    if not 1 <= given.workers <= 8:
        parser.error("--workers is between 1 and 8")
    return given


async def main(words: Sequence[str] | None = None) -> int:
    """Exit status: 0 when all is done and nothing failed, 1 when something failed, 130 when it was interrupted."""
    given = arguments(words)
    folder: Path = (given.report or Settings().state_dir / "soak").resolve()
    tests = await collect(given.tests, given.expression)
    file = ResultFile(folder, commit(), datetime.now(UTC))
    if file.set_aside:
        out.print(f"soak: results of another commit are kept as {file.set_aside}", soft_wrap=True)
    todo = plan(tests, given.repetitions, given.seed, file.results)
    with _progress(given.repetitions * len(tests), len(todo)) as tell:
        soak = Soak(file, todo, workers=given.workers, max_failures=given.max_failures, on_result=tell)
        interrupted = _on_signals(soak)
        await soak.run()
    path = report.write(folder, file.results, conditions=conditions(), left=soak.left)
    sys.stdout.write(path.read_text())
    out.print(f"soak: the report is {path}", soft_wrap=True)
    if failures(file.results):
        return 1
    return 130 if interrupted() else 0


def _on_signals(soak: Soak) -> Callable[[], bool]:
    """Ctrl-C and SIGTERM end it in order. Returns whether one came."""
    came: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):

        def stop(number: int = number) -> None:
            came.append(number)
            soak.stop()

        asyncio.get_running_loop().add_signal_handler(number, stop)
    return lambda: bool(came)


@contextmanager
def _progress(total: int, left: int) -> Iterator[Callable[[Result], None]]:
    """A bar on a terminal, else a line for each repetition."""
    if not out.is_terminal:
        done = total - left

        def line(result: Result) -> None:
            nonlocal done
            done += 1
            out.print(
                f"{done}/{total} {result.outcome} {result.seconds:.0f} s {result.test}", soft_wrap=True, markup=False
            )

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=out) as bar:
        task = bar.add_task("soak", total=total, completed=total - left)
        failed = 0

        def step(result: Result) -> None:
            nonlocal failed
            failed += result.outcome != "passed"
            bar.update(task, advance=1, description=f"soak, {failed} failed")
            if result.evidence:
                bar.console.print(f"{result.outcome}: {result.test} ({result.evidence})", markup=False)

        yield step


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
