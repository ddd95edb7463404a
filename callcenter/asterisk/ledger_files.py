"""Reading a file that Asterisk appends to, in bounded batches of whole lines, wherever it is renamed to.

A file is known by the digest of its first line (its time stands in it), so a renamed, moved or restored file goes on
where it was left, and a copy beside it is not read twice. Nothing here remembers across restarts: what was read is
told by the caller (from the database), who confirms each batch that was taken, and opens the files anew if it does
not get committed.
"""

import hashlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

from callcenter.asterisk.ledger import LedgerKind

BATCH_BYTES = {LedgerKind.CEL: 2_097_152, LedgerKind.QUEUE_LOG: 524_288}
"""Some 6,000 lines of either: whoever is far behind works through many calls by few statements."""
MAX_LINE_BYTES = 65_536
"""Asterisk writes far shorter ones; a longer one is handed on cut and marked."""

KEPT_OF_BAD_LINE_BYTES = 4_096
SETTLE_SECONDS = 1.0
"""A renamed file is finished once nobody has written to it for this long: a writer may still have it open."""

_PACKED = frozenset({".gz", ".bz2", ".xz", ".zst"})


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Which file. ``head_digest``: of its first line; ``#1``, ``#2``... is added by truncations that kept that line."""

    device: int
    inode: int
    head_digest: str


@dataclass(frozen=True, slots=True)
class KnownFile:
    """How far a file was read and committed: ``offset`` stands behind a line feed."""

    identity: FileIdentity
    offset: int
    finished: bool = False


class LedgerLine(NamedTuple):
    """``offset`` of its first byte. ``fault``: why it is no whole line (``too_long``, ``half_line``)."""

    offset: int
    text: bytes
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerBatch:
    """Whole lines of one file from ``start`` up to ``end``.

    ``finished``: this file will not grow any more. ``gap``: lines before these are lost for ever, nobody knows how
    many: ``truncated`` (the file was cut), ``vanished`` (it was taken away before it was read to its end).
    """

    kind: LedgerKind
    identity: FileIdentity
    start: int
    end: int
    lines: tuple[LedgerLine, ...]
    finished: bool = False
    gap: str | None = None

    def halves(self) -> tuple["LedgerBatch", "LedgerBatch"]:
        """For finding the one line that a database refuses. Needs two lines."""
        middle = len(self.lines) // 2
        cut = self.lines[middle].offset
        return (
            replace(self, end=cut, lines=self.lines[:middle], finished=False),
            replace(self, start=cut, lines=self.lines[middle:], gap=None),
        )


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of this ledger as it lies on disk; ``head_bytes``: length of its first line."""

    path: Path
    identity: FileIdentity
    head_bytes: int
    size: int


@dataclass(slots=True)
class _Open:
    handle: BinaryIO
    identity: FileIdentity
    head_bytes: int
    offset: int
    scanned_to: int = 0
    """Of an over-long line: up to here no line feed was found."""
    size: int = -1
    grown_at: float = 0.0
    """When it was first seen with this ``size``, on the monotonic clock."""


class LedgerTail:
    """One of Asterisk's files, followed. Its calls block: run them in a thread, one at a time.

    ``known``: what was committed before. :meth:`read` gives the same lines again until :meth:`confirm` is called.
    """

    def __init__(
        self,
        path: Path,
        kind: LedgerKind,
        known: Iterable[KnownFile] = (),
        *,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self.kind = kind
        self._path = path
        self._settle_seconds = settle_seconds
        self._known = {file.identity.head_digest: file for file in known}
        self._open: _Open | None = None
        self._gap = self._find_vanished()

    def read(self) -> LedgerBatch | None:
        """The next lines, or None when nothing more is there now."""
        while True:
            if self._open is None:
                self._open = self._open_next()
            if self._open is None:
                return None
            if _was_truncated(self._open):
                self._start_again(self._open)
                continue
            is_left_behind = self._is_left_behind(self._open)  # before the last look, so that the look is the last
            batch = self._read_lines(self._open)
            if batch is None and is_left_behind:
                batch = self._read_end(self._open)
            return batch

    def confirm(self, batch: LedgerBatch) -> None:
        """``batch`` is taken: the next :meth:`read` goes on behind it."""
        self._known[batch.identity.head_digest] = KnownFile(batch.identity, batch.end, batch.finished)
        self._gap = None
        if self._open is not None and self._open.identity == batch.identity:
            self._open.offset = batch.end
            self._open.scanned_to = 0
            if batch.finished:
                self.close()

    def bytes_behind(self) -> int:
        """Bytes on disk that are not confirmed yet."""
        return sum(max(0, found.size - self._offset_of(found.identity)) for found in self._files())

    def close(self) -> None:
        if self._open is not None:
            self._open.handle.close()
            self._open = None

    # -- which file

    def _open_next(self) -> _Open | None:
        """The oldest file that is not finished; the live one is the last."""
        for found in self._files():
            known = self._known.get(found.identity.head_digest)
            if known is not None and known.finished and found.size <= known.offset:
                continue
            try:
                handle = found.path.open("rb")
            except FileNotFoundError:
                return None  # renamed between two looks: the next poll finds it
            stat = os.fstat(handle.fileno())
            if (stat.st_dev, stat.st_ino) != (found.identity.device, found.identity.inode):
                handle.close()
                return None
            return _Open(handle, found.identity, found.head_bytes, self._offset_of(found.identity))
        return None

    def _files(self) -> list[FoundFile]:
        """This ledger's files, oldest first; of copies with the same first line only one."""
        chosen: dict[str, FoundFile] = {}
        for found in find_files(self._path):
            digest = self._generation_of(found.identity.head_digest)
            named = replace(found, identity=replace(found.identity, head_digest=digest))
            rival = chosen.get(digest)
            if rival is None or self._rank(named) > self._rank(rival):
                chosen.pop(digest, None)
                chosen[digest] = named
        return list(chosen.values())

    def _rank(self, found: FoundFile) -> tuple[bool, bool, int]:
        known = self._known.get(found.identity.head_digest)
        return known is not None and known.identity == found.identity, found.path == self._path, found.size

    def _generation_of(self, digest: str) -> str:
        """The name this file got by its last truncation that kept its first line, if any."""
        generation = 0
        while f"{digest}#{generation + 1}" in self._known:
            generation += 1
        return f"{digest}#{generation}" if generation else digest

    def _offset_of(self, identity: FileIdentity) -> int:
        known = self._known.get(identity.head_digest)
        return known.offset if known else 0

    def _find_vanished(self) -> str | None:
        """A file that was not read to its end is on disk no more, under no name."""
        present = {found.identity.head_digest for found in find_files(self._path)}
        for digest, file in self._known.items():
            if not file.finished and _base(digest) not in present:
                return "vanished"
        return None

    def _is_left_behind(self, file: _Open) -> bool:
        """Whether a newer file has taken the name, and nobody writes to this one any more."""
        newest = next((path for path in reversed(_candidates(self._path)) if path.exists()), None)
        if newest is None:
            return False
        stat = newest.stat()
        if (stat.st_dev, stat.st_ino) == (file.identity.device, file.identity.inode):
            return False
        size = os.fstat(file.handle.fileno()).st_size
        if size != file.size:
            file.size, file.grown_at = size, time.monotonic()  # the file's own time is no help when the clock is set
        return time.monotonic() - file.grown_at >= self._settle_seconds

    def _start_again(self, file: _Open) -> None:
        """What was not read before the file was cut is lost; what was read is not read again."""
        fd = file.handle.fileno()
        size = os.fstat(fd).st_size
        head = os.pread(fd, file.head_bytes, 0)
        self._gap = "truncated"
        if len(head) == file.head_bytes and _digest(head) == _base(file.identity.head_digest):
            base, _, generation = file.identity.head_digest.partition("#")
            identity = replace(file.identity, head_digest=f"{base}#{int(generation or 0) + 1}")
            self._known[identity.head_digest] = KnownFile(identity, _end_of_last_line(fd, size))
        self.close()

    # -- lines

    def _read_lines(self, file: _Open) -> LedgerBatch | None:
        chunk = os.pread(file.handle.fileno(), BATCH_BYTES[self.kind], file.offset)
        end = chunk.rfind(b"\n") + 1
        if end == 0:
            return self._read_oversized(file) if len(chunk) > MAX_LINE_BYTES else None
        lines: list[LedgerLine] = []
        offset = file.offset
        for text in chunk[:end].split(b"\n")[:-1]:
            lines.append(_line(offset, text))
            offset += len(text) + 1
        return self._batch(file, offset, lines)

    def _read_oversized(self, file: _Open) -> LedgerBatch | None:
        """Find the end of a line longer than a batch without holding it; None while it has none."""
        fd = file.handle.fileno()
        position = max(file.scanned_to, file.offset)
        while chunk := os.pread(fd, BATCH_BYTES[self.kind], position):
            found = chunk.find(b"\n")
            if found >= 0:
                head = os.pread(fd, KEPT_OF_BAD_LINE_BYTES, file.offset)
                return self._batch(file, position + found + 1, [LedgerLine(file.offset, head, "too_long")])
            position += len(chunk)
        file.scanned_to = position
        return None

    def _read_end(self, file: _Open) -> LedgerBatch:
        """The last of a file that was renamed away: at most half a line, which nobody will finish."""
        size = os.fstat(file.handle.fileno()).st_size
        rest = os.pread(file.handle.fileno(), KEPT_OF_BAD_LINE_BYTES, file.offset)
        lines = [LedgerLine(file.offset, rest, "half_line")] if rest else []
        return replace(self._batch(file, max(size, file.offset), lines), finished=True)

    def _batch(self, file: _Open, end: int, lines: list[LedgerLine]) -> LedgerBatch:
        return LedgerBatch(self.kind, file.identity, file.offset, end, tuple(lines), gap=self._gap)


def find_files(path: Path) -> list[FoundFile]:
    """The file at ``path`` and those renamed from it (``path`` + anything, not packed), oldest first, it last.

    A file without a whole first line yet is left out.
    """
    found = []
    for candidate in _candidates(path):
        try:
            with candidate.open("rb") as handle:
                head = handle.read(MAX_LINE_BYTES)
                stat = os.fstat(handle.fileno())
        except FileNotFoundError:
            continue  # absent, or renamed a moment ago: the next look finds it
        first_line = head[: head.find(b"\n") + 1] or (head if len(head) == MAX_LINE_BYTES else b"")
        if first_line:
            identity = FileIdentity(stat.st_dev, stat.st_ino, _digest(first_line))
            found.append(FoundFile(candidate, identity, len(first_line), stat.st_size))
    return found


def _candidates(path: Path) -> list[Path]:
    rotated = []
    for candidate in path.parent.glob(f"{path.name}*"):
        if candidate != path and candidate.suffix not in _PACKED:
            try:
                rotated.append((candidate.stat().st_mtime_ns, candidate))
            except FileNotFoundError:
                continue  # renamed a moment ago: the next look finds it
    return [*(candidate for _, candidate in sorted(rotated)), path]


def _was_truncated(file: _Open) -> bool:
    fd = file.handle.fileno()
    if os.fstat(fd).st_size < file.offset:
        return True
    return _digest(os.pread(fd, file.head_bytes, 0)) != _base(file.identity.head_digest)


def _end_of_last_line(fd: int, size: int) -> int:
    """Where the next whole line will begin: behind the last line feed of the last 64 kB, else at the end."""
    start = max(0, size - MAX_LINE_BYTES)
    found = os.pread(fd, size - start, start).rfind(b"\n")
    return start + found + 1 if found >= 0 else size


def _line(offset: int, text: bytes) -> LedgerLine:
    if len(text) > MAX_LINE_BYTES:
        return LedgerLine(offset, text[:KEPT_OF_BAD_LINE_BYTES], "too_long")
    return LedgerLine(offset, text)


def _digest(head: bytes) -> str:
    return hashlib.sha256(head).hexdigest()[:32]


def _base(head_digest: str) -> str:
    return head_digest.partition("#")[0]
