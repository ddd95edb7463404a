"""What a backup holds, written last: a directory without a manifest is no backup."""

import hashlib
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError, field_validator

from callcenter.backup.errors import BackupDamaged
from callcenter.core.progress import Progress, silent

FILE_NAME = "manifest.json"
DATABASE = "database.dump"
SECRETS, RECORDINGS, DATA, LEDGER, QUEUE_LOG = "secrets", "recordings", "data", "ledger", "queue_log"
_CHUNK_BYTES = 1 << 20


class Part(BaseModel):
    """One file of the backup. ``path`` is relative to it; ``modified_at``: of the file it was copied from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    size_bytes: int
    sha256: str
    modified_at: AwareDatetime

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError("leads out of the backup")
        return value

    @property
    def kind(self) -> str:
        """The first word of the path: what it is."""
        return PurePosixPath(self.path).parts[0]

    @property
    def inner(self) -> PurePosixPath:
        """The path below its kind."""
        return PurePosixPath(*PurePosixPath(self.path).parts[1:])


class Manifest(BaseModel):
    """``rows``: of every table as they stood in the database's dump."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    version: str
    schema_revision: str
    pbx: str
    postgres_major: int
    started_at: AwareDatetime
    finished_at: AwareDatetime
    rows: dict[str, int]
    parts: tuple[Part, ...]

    @property
    def size_bytes(self) -> int:
        return sum(part.size_bytes for part in self.parts)

    def of(self, kind: str) -> list[Part]:
        return [part for part in self.parts if part.kind == kind]


def copy_part(source: Path, root: Path, path: PurePosixPath, *, limit_bytes: int | None = None) -> Part:
    """Copy ``source`` into the backup at ``root``, at most its first ``limit_bytes``; readable by its owner only."""
    target = root / path
    make_parents(root, path)
    left = limit_bytes
    with (
        source.open("rb") as read,
        os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
    ):
        modified = os.fstat(read.fileno()).st_mtime
        while left is None or left > 0:
            chunk = read.read(_CHUNK_BYTES if left is None else min(left, _CHUNK_BYTES))
            if not chunk:
                break
            out.write(chunk)
            left = None if left is None else left - len(chunk)
        out.flush()
        os.fsync(out.fileno())
    return describe(root, path, modified)


def make_parents(root: Path, path: PurePosixPath) -> None:
    for parent in reversed(PurePosixPath(path).parents):
        (root / parent).mkdir(mode=0o700, exist_ok=True)


def describe(root: Path, path: PurePosixPath, modified: float | None = None) -> Part:
    """A file of the backup as the manifest shall name it."""
    stat = (root / path).stat()
    at = datetime.fromtimestamp(stat.st_mtime if modified is None else modified).astimezone()
    return Part(path=str(path), size_bytes=stat.st_size, sha256=_digest(root / path), modified_at=at)


def write_manifest(root: Path, manifest: Manifest) -> None:
    """After all else, and on the disk when this returns."""
    with os.fdopen(os.open(root / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(manifest.model_dump_json(indent=1) + "\n")
        out.flush()
        os.fsync(out.fileno())


def read_manifest(root: Path) -> Manifest:
    """Raises BackupDamaged when there is none that this version understands."""
    try:
        return Manifest.model_validate_json((root / FILE_NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BackupDamaged(f"{root} holds no {FILE_NAME}, so it is no whole backup: take another one.") from error
    except ValidationError as error:
        raise BackupDamaged(
            f"{root / FILE_NAME} cannot be read ({error.error_count()} faults): take another backup, "
            "or the version that made this one."
        ) from error


def verify(root: Path, manifest: Manifest, progress: Progress = silent) -> None:
    """Every part is there, of its size and content. Raises BackupDamaged, naming the first that is not."""
    done = 0
    for part in manifest.parts:
        progress(f"checking the backup: {done / max(manifest.size_bytes, 1):.0%}, {part.path}")
        path = root / part.path
        if not path.is_file():
            raise BackupDamaged(f"{part.path} is missing in {root}: take another backup.")
        if path.stat().st_size != part.size_bytes or _digest(path) != part.sha256:
            raise BackupDamaged(f"{part.path} in {root} is not what was backed up: take another backup.")
        done += part.size_bytes
    kinds = {part.kind for part in manifest.parts}
    if missing := sorted(_NEEDED - kinds):
        raise BackupDamaged(f"{root} holds no {' and no '.join(missing)}: take another backup.")


def sizes(parts: Iterable[Part]) -> dict[str, tuple[int, int]]:
    """kind -> (files, bytes), for people."""
    found: dict[str, tuple[int, int]] = {}
    for part in parts:
        files, size = found.get(part.kind, (0, 0))
        found[part.kind] = (files + 1, size + part.size_bytes)
    return found


_NEEDED = frozenset({DATABASE, SECRETS})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
