"""``python -m bench [name ...]``: runs each named bench, or all; prints one table, as docs/performance.md keeps it."""

import sys
from collections.abc import Callable, Iterable, Mapping

from bench import (
    ami_events,
    board,
    caller_lookup,
    calls,
    calls_out,
    campaign_claims,
    campaign_upload,
    console,
    desk,
    flow_files,
    ledger,
    patient_import,
    screen_pop,
    waiting_memory,
    workload,
)
from bench.figures import Figure, conditions, markdown_table

BENCHES: Mapping[str, Callable[[], Iterable[Figure]]] = {
    "flow_files": flow_files.run,
    "calls": calls.run,
    "waiting_memory": waiting_memory.run,
    "ledger": ledger.run,
    "patient_import": patient_import.run,
    "caller_lookup": caller_lookup.run,
    "screen_pop": screen_pop.run,
    "board": board.run,
    "console": console.run,
    "ami_events": ami_events.run,
    "desk": desk.run,
    "workload": workload.run,
    "calls_out": calls_out.run,
    "campaign_claims": campaign_claims.run,
    "campaign_upload": campaign_upload.run,
}
"""Name -> what measures. In the order of the table."""


def main() -> None:
    """Raises SystemExit for an unknown name, and with status 1 if a goal is missed."""
    names = sys.argv[1:] or list(BENCHES)
    figures: list[Figure] = []
    for name in names:
        if name not in BENCHES:
            raise SystemExit(f"There is no bench {name}: {', '.join(BENCHES)}")
        print(f"bench: {name}", file=sys.stderr)
        figures += BENCHES[name]()
    print(f"{conditions()}\n\n{markdown_table(figures)}")
    if any(figure.is_met is False for figure in figures):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
