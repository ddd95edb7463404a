"""``python -m bench [name ...]``: runs each named bench, or all, and prints its figures."""

import sys
from collections.abc import Callable, Mapping

from bench import flow_files

BENCHES: Mapping[str, Callable[[], None]] = {"flow_files": flow_files.run}


def main() -> None:
    """Raises SystemExit for an unknown name."""
    names = sys.argv[1:] or list(BENCHES)
    for name in names:
        if name not in BENCHES:
            raise SystemExit(f"There is no bench {name}: {', '.join(BENCHES)}")
        print(f"== {name}")
        BENCHES[name]()


main()
