"""Telling a person at a terminal that something long is under way."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

Progress = Callable[[str], None]
"""Takes what is being done now, in a few words; each call replaces the one before."""

_SECONDS_BETWEEN_LINES = 5.0


def silent(_doing: str) -> None:
    """The Progress of who wants none."""


@contextmanager
def console_progress(console: Console | None = None) -> Iterator[Progress]:
    """On a terminal a spinner with the newest words; in a log file at most a line every five seconds."""
    out = console or Console(stderr=True)
    if out.is_terminal:
        with out.status("...") as status:
            yield status.update
        return
    last = -_SECONDS_BETWEEN_LINES

    def line(doing: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            out.print(doing, highlight=False, soft_wrap=True)

    yield line
