"""How long it takes to read all of our flows, and to refuse hostile files in their place."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.figures import Figure
from callcenter.ivr.catalogue import read_flow_files
from callcenter.ivr.checks import Known, compile_flows
from callcenter.ivr.errors import FlowError

FLOWS_DIR = Path(__file__).resolve().parents[1] / "ivr_flows"
LEVELS = "\n".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]" for n in range(20))
HOSTILE: Mapping[str, bytes] = {
    "aliases that multiply": f"a: &a [x, x]\n{LEVELS}\n".encode(),
    "a line of 5 MB": b"flow: " + b"x" * 5_000_000,
    "60,000 lists in one another": b"flow: " + b"[" * 60_000,
    "5,000 keys": b"".join(b"key%d: 1\n" % n for n in range(5_000)),
    "a Python object": b"flow: !!python/object/apply:os.system ['true']\n",
    "30,000 explicit keys": b"? " * 30_000,
    "half a character": b"flow: \xe5\xbc",
}
ROUNDS = 20


def run() -> Iterator[Figure]:
    """Median of :data:`ROUNDS` readings each; a hostile file is measured against all of ours."""
    files, _ = read_flow_files(FLOWS_DIR)
    ours_ms = _median_ms(files)
    yield Figure(f"all {len(files)} flows of ivr_flows/ read and checked", ours_ms, "ms")
    for name, content in HOSTILE.items():
        yield Figure(f"flow refused: {name}", _median_ms({"f.yaml": content}), "ms", ours_ms, "our flows read")


def _median_ms(files: Mapping[str, bytes]) -> float:
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        try:
            compile_flows(files, Known())
        except FlowError as error:
            assert error.problems  # noqa: S101
        times.append(time.perf_counter() - begin)
    return sorted(times)[ROUNDS // 2] * 1000
