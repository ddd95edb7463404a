"""Real files under a reader: growing, renamed, cut, copied, taken away."""

import os
import resource
from collections.abc import Iterable
from pathlib import Path

import pytest

from callcenter.asterisk.ledger import LedgerKind
from callcenter.asterisk.ledger_files import BATCH_BYTES, KnownFile, LedgerBatch, LedgerTail

BATCH = BATCH_BYTES[LedgerKind.CEL]


class Reading:
    """A tail and what it gave; :meth:`restart` knows only what was confirmed, as the database does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, KnownFile] = {}
        self.lines: list[str] = []
        self.gaps: list[str] = []
        self.restart()

    def restart(self) -> None:
        self.tail = LedgerTail(self.path, LedgerKind.CEL, self.known.values(), settle_seconds=0)

    def drain(self) -> list[LedgerBatch]:
        batches = []
        while (batch := self.tail.read()) is not None:
            batches.append(batch)
            self.confirm(batch)
        return batches

    def confirm(self, batch: LedgerBatch) -> None:
        self.tail.confirm(batch)
        if batch.gap:  # as service.ingest does
            self.gaps.append(batch.gap)
            self.known = {
                digest: KnownFile(file.identity, file.offset, finished=True) for digest, file in self.known.items()
            }
        self.known[batch.identity.head_digest] = KnownFile(batch.identity, batch.end, batch.finished)
        self.lines += [line.text.decode() for line in batch.lines]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


@pytest.fixture
def reading(path: Path) -> Reading:
    return Reading(path)


def append(path: Path, *lines: str, end: str = "\n") -> None:
    with path.open("a") as file:
        file.write("\n".join(lines) + end)


def numbers(values: Iterable[int]) -> list[str]:
    return [f"line {value}" for value in values]


def test_an_absent_file_is_nothing_yet(reading: Reading, path: Path) -> None:
    assert reading.tail.read() is None
    append(path, "line 1")
    reading.drain()
    assert reading.lines == ["line 1"]


def test_offsets_stand_at_lines_starts(reading: Reading, path: Path) -> None:
    append(path, "line 1", "zweite 张伟", "line 3")
    (batch,) = reading.drain()
    content = path.read_bytes()
    for line in batch.lines:
        assert content[line.offset :].startswith(line.text + b"\n")
    assert (batch.start, batch.end) == (0, len(content))


def test_an_unconfirmed_batch_comes_again(reading: Reading, path: Path) -> None:
    append(path, "line 1")
    first = reading.tail.read()
    append(path, "line 2")
    again = reading.tail.read()
    assert first is not None
    assert again is not None
    assert [line.text for line in again.lines] == [b"line 1", b"line 2"]


def test_half_a_line_waits_for_its_other_half(reading: Reading, path: Path) -> None:
    append(path, "line 1", "lin", end="")
    reading.drain()
    assert reading.lines == ["line 1"]
    append(path, "e 2")
    reading.drain()
    assert reading.lines == numbers([1, 2])


def test_a_first_line_in_halves(reading: Reading, path: Path) -> None:
    append(path, "li", end="")
    assert reading.tail.read() is None
    append(path, "ne 1")
    reading.drain()
    assert reading.lines == ["line 1"]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_renamed_file_is_read_to_its_end_then_the_new_one(reading: Reading, path: Path, restarts: bool) -> None:
    append(path, *numbers([1, 2]))
    reading.drain()
    append(path, "line 3")
    path.rename(path.with_name("ledger.jsonl.1"))
    append(path, *numbers([4, 5]))
    if restarts:
        reading.restart()
    reading.drain()
    append(path, "line 6")
    reading.drain()
    assert reading.lines == numbers([1, 2, 3, 4, 5, 6])
    assert [file.finished for file in reading.known.values()] == [True, False]
    assert reading.gaps == []


def test_two_renames_while_nobody_read(reading: Reading, path: Path) -> None:
    append(path, *numbers([1, 2]))
    reading.drain()
    reading.tail.close()
    for number, name in ((3, "ledger.jsonl.2"), (4, "ledger.jsonl.1")):
        append(path, f"line {number}")
        os.utime(path, ns=(number * 10**9, number * 10**9))
        path.rename(path.with_name(name))
    append(path, "line 5")
    reading.restart()
    reading.drain()
    assert reading.lines == numbers([1, 2, 3, 4, 5])
    assert reading.gaps == []


def test_renamed_and_no_new_file_yet(reading: Reading, path: Path) -> None:
    append(path, "line 1")
    reading.drain()
    path.rename(path.with_name("ledger.jsonl.1"))
    append(path.with_name("ledger.jsonl.1"), "line 2")  # the writer still has it open
    reading.drain()
    assert reading.lines == numbers([1, 2])
    append(path, "line 3")
    reading.drain()
    assert reading.lines == numbers([1, 2, 3])


def test_a_renamed_file_is_not_left_while_somebody_writes_to_it(path: Path) -> None:
    append(path, "line 1")
    tail = LedgerTail(path, LedgerKind.QUEUE_LOG, settle_seconds=3600)
    batch = tail.read()
    assert batch is not None
    tail.confirm(batch)
    old = path.rename(path.with_name("ledger.jsonl.1"))
    append(path, "line 3")
    assert tail.read() is None
    append(old, "line 2")
    batch = tail.read()
    assert batch is not None
    assert [line.text for line in batch.lines] == [b"line 2"]


def test_half_a_line_at_the_end_of_a_renamed_file_is_handed_on_as_such(reading: Reading, path: Path) -> None:
    append(path, "line 1", "hal", end="")
    path.rename(path.with_name("ledger.jsonl.1"))
    append(path, "line 2")
    batches = reading.drain()
    assert [(line.text, line.fault) for batch in batches for line in batch.lines] == [
        (b"line 1", None),
        (b"hal", "half_line"),
        (b"line 2", None),
    ]


@pytest.mark.parametrize("restarts", [False, True])
def test_after_a_truncation_nothing_counts_twice_and_the_gap_is_told(
    reading: Reading, path: Path, restarts: bool
) -> None:
    append(path, *numbers([1, 2, 3]))
    reading.drain()
    os.truncate(path, 0)
    append(path, "line 4")
    if restarts:
        reading.restart()
    reading.drain()
    append(path, "line 5")
    reading.drain()
    assert reading.lines == numbers([1, 2, 3, 4, 5])
    assert len(reading.gaps) == 1


def test_cut_and_grown_beyond_the_old_end_between_two_looks(reading: Reading, path: Path) -> None:
    append(path, "line 1")
    reading.drain()
    os.truncate(path, 0)
    append(path, *numbers([2, 3, 4]))
    reading.drain()
    assert reading.lines == numbers([1, 2, 3, 4])
    assert reading.gaps == ["truncated"]


@pytest.mark.parametrize("restarts", [False, True])
def test_cut_in_the_middle(reading: Reading, path: Path, restarts: bool) -> None:
    append(path, *numbers([1, 2, 3]))
    reading.drain()
    for round_number in (1, 2):
        os.truncate(path, len("line 1\nline 2\n"))
        if restarts:
            reading.restart()
        assert reading.drain() == []
        append(path, f"line {3 + round_number}")
        reading.drain()
    assert reading.lines == numbers([1, 2, 3, 4, 5])
    assert reading.gaps == ["truncated", "truncated"]


def test_a_file_taken_away_before_its_end_is_a_gap(reading: Reading, path: Path) -> None:
    append(path, "line 1")
    reading.drain()
    reading.tail.close()
    path.unlink()
    append(path, "line 2")
    reading.restart()
    reading.drain()
    reading.restart()
    reading.drain()
    assert reading.lines == numbers([1, 2])
    assert reading.gaps == ["vanished"]


def test_a_finished_file_taken_away_is_none(reading: Reading, path: Path) -> None:
    append(path, "line 1")
    old = path.rename(path.with_name("ledger.jsonl.1"))
    append(path, "line 2")
    reading.drain()
    old.unlink()
    reading.restart()
    reading.drain()
    assert reading.gaps == []


def test_a_copy_beside_it_is_not_read_twice(reading: Reading, path: Path) -> None:
    append(path, "line 1")
    reading.drain()
    path.with_name("ledger.jsonl.bak").write_bytes(path.read_bytes())
    append(path, "line 2")
    reading.restart()
    reading.drain()
    assert reading.lines == numbers([1, 2])


def test_half_a_copy_of_a_renamed_file_does_not_hide_the_rest_of_it(reading: Reading, path: Path) -> None:
    append(path, "line 1")
    reading.drain()
    reading.tail.close()
    append(path, "line 2")
    old = path.rename(path.with_name("ledger.jsonl.1"))
    old.with_name("ledger.jsonl.1.bak").write_bytes(b"line 1\n")  # newer, and shorter
    os.utime(old, ns=(10**9, 10**9))
    append(path, "line 3")
    reading.restart()
    reading.drain()
    assert reading.lines == numbers([1, 2, 3])
    assert reading.gaps == []


def test_restored_under_another_inode_it_goes_on_where_it_was(reading: Reading, path: Path) -> None:
    append(path, "line 1")
    reading.drain()
    copy = path.with_name("restored")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)
    append(path, "line 2")
    reading.restart()
    reading.drain()
    assert reading.lines == numbers([1, 2])


def test_packed_siblings_are_left_alone(reading: Reading, path: Path) -> None:
    append(path, "line 1")
    path.with_name("ledger.jsonl.2.gz").write_bytes(b"\x1f\x8b\n")
    reading.drain()
    assert reading.lines == ["line 1"]


def test_an_over_long_line_is_marked_and_the_next_is_read(reading: Reading, path: Path) -> None:
    append(path, "line 1", "x" * (3 * BATCH), "line 2", "y" * 70_000, "line 3")
    batches = reading.drain()
    lines = [line for batch in batches for line in batch.lines]
    assert [line.fault for line in lines] == [None, "too_long", None, "too_long", None]
    assert max(len(line.text) for line in lines) == 4096


def test_an_endless_line_is_waited_for(reading: Reading, path: Path) -> None:
    append(path, "line 1")
    reading.drain()
    append(path, "x" * (2 * BATCH), end="")
    assert reading.tail.read() is None
    append(path, "x" * BATCH)
    append(path, "line 2")
    reading.drain()
    assert reading.lines[-1] == "line 2"


def test_a_large_file_comes_in_bounded_batches_and_flat_memory(path: Path) -> None:
    with path.open("w") as file:
        for block in range(100):
            file.write(f"{block:07d} " + "x" * 1_000 + "\n")
            file.write(("y" * 500 + "\n") * 2_090)
    size = path.stat().st_size
    assert size > 100_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reading, end, largest = LedgerTail(path, LedgerKind.CEL), 0, 0
    while (batch := reading.read()) is not None:
        largest = max(largest, batch.end - batch.start)
        assert batch.start == end
        end = batch.end
        reading.confirm(batch)
    assert end == size
    assert largest <= BATCH
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


def test_halves_join_to_the_whole(reading: Reading, path: Path) -> None:
    append(path, *numbers([1, 2, 3]))
    batch = reading.tail.read()
    assert batch is not None
    left, right = batch.halves()
    assert left.lines + right.lines == batch.lines
    assert (left.start, left.end, right.end) == (batch.start, right.start, batch.end)


def test_bytes_behind(reading: Reading, path: Path) -> None:
    append(path, "line 1")
    assert reading.tail.bytes_behind() == 7
    reading.drain()
    assert reading.tail.bytes_behind() == 0
