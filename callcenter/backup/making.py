"""Making a backup while calls go on: one state of the database, and the files that stand nowhere else.

Asterisk's configuration, prompts and rendered speech are made anew from the database; they are left out.
"""

import asyncio
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path, PurePosixPath

from callcenter import __version__
from callcenter.asterisk.ledger import LedgerKind
from callcenter.asterisk.ledger_files import find_files
from callcenter.backup import manifest as parts_of
from callcenter.backup.dump import check_source, dump, open_snapshot
from callcenter.backup.errors import BackupRefused
from callcenter.backup.manifest import Manifest, Part, copy_part, describe, make_parents, write_manifest
from callcenter.calls.service import list_known_files
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.progress import Progress
from callcenter.core.secrets import NAMES, find_secret, get_secret

MADE_ANEW = frozenset({"ami_events_secret", "ami_commands_secret"})
"""Secrets that a new installation makes by itself without losing anything."""
_DATED = "callcenter-%Y%m%dT%H%M%SZ"
_SOUNDS = "sounds"


async def make_backup(settings: Settings, url: str, target: Path, progress: Progress) -> Manifest:
    """A new directory ``target``, there only when it is whole.

    Raises BackupRefused when it exists, the place cannot be written, or the database cannot be dumped.
    """
    await check_source(url)
    with _new_directory(target) as draft:
        return await _fill(settings, url, draft, progress)


@contextmanager
def _new_directory(target: Path) -> Iterator[Path]:
    """A directory under another name, which becomes ``target`` at the end of a block that went well."""
    if target.exists():
        raise BackupRefused(f"{target} exists already: a backup overwrites nothing; name another directory.")
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.unfinished")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir(mode=0o700)
        yield draft
        _sync_directory(draft)
        if target.exists():
            raise BackupRefused(f"{target} was made by somebody else meanwhile: repeat with another name.")
        draft.rename(target)
        _sync_directory(target.parent)
    except OSError as error:
        raise BackupRefused(f"{error.filename or target} cannot be written ({error.strerror}): make room.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def dated_name(at: datetime) -> str:
    """Of a backup in a directory of many; sorts by time."""
    return at.strftime(_DATED)


def old_backups(directory: Path, keep: int) -> list[Path]:
    """The whole backups with a dated name beyond the ``keep`` newest."""
    whole = []
    for path in directory.glob("callcenter-*"):
        with suppress(ValueError):
            datetime.strptime(path.name, _DATED)
            if (path / parts_of.FILE_NAME).is_file():
                whole.append(path)
    return sorted(whole)[: max(0, len(whole) - keep)]


async def _fill(settings: Settings, url: str, draft: Path, progress: Progress) -> Manifest:
    started_at = now()
    read_to_end = await _read_to_end(settings, url)  # before the dump: what is unread in it is still here afterwards
    parts: list[Part] = []
    async with open_snapshot(url, progress) as snapshot:
        await dump(url, snapshot, draft / parts_of.DATABASE, progress)
    parts.append(await asyncio.to_thread(describe, draft, PurePosixPath(parts_of.DATABASE)))
    parts += [_write_secret(draft, name, value) for name, value in _secrets(settings)]
    parts += await asyncio.to_thread(_copy_ledgers, settings, draft, read_to_end)
    parts += await asyncio.to_thread(_copy_trees, settings, draft, progress)
    made = Manifest(
        version=__version__,
        schema_revision=snapshot.schema_revision,
        pbx=settings.pbx_name,
        postgres_major=snapshot.postgres_major,
        started_at=started_at,
        finished_at=now(),
        rows=snapshot.rows,
        parts=tuple(parts),
    )
    await asyncio.to_thread(write_manifest, draft, made)
    return made


async def _read_to_end(settings: Settings, url: str) -> set[str]:
    database = Database(url, pool_size=1, application_name="callcenter-backup")
    try:
        async with database.transaction() as session:
            known = [file for kind in LedgerKind for file in await list_known_files(session, settings.pbx_name, kind)]
    finally:
        await database.close()
    return {file.identity.head_digest for file in known if file.finished}


def _secrets(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "check_code_key", get_secret(settings, "check_code_key")
    for name in sorted(NAMES - MADE_ANEW - {"check_code_key"}):
        if value := find_secret(settings, name):
            yield name, value


def _write_secret(draft: Path, name: str, value: str) -> Part:
    path = PurePosixPath(parts_of.SECRETS, name)
    make_parents(draft, path)
    with os.fdopen(os.open(draft / path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    return describe(draft, path)


def _copy_ledgers(settings: Settings, draft: Path, read_to_end: set[str]) -> list[Part]:
    """Files not read to their end, each up to its last whole line: Asterisk will go on writing behind it."""
    parts = []
    for kind, live in ((parts_of.LEDGER, settings.ledger_file), (parts_of.QUEUE_LOG, settings.queue_log_file)):
        for found in find_files(live):
            if found.identity.head_digest not in read_to_end:
                with suppress(FileNotFoundError):  # renamed just now: it is listed again under its new name
                    end = _end_of_whole_lines(found.path)
                    parts.append(copy_part(found.path, draft, PurePosixPath(kind, found.path.name), limit_bytes=end))
    return parts


def _end_of_whole_lines(path: Path) -> int:
    with path.open("rb") as file:
        position = os.fstat(file.fileno()).st_size
        while position > 0:
            start = max(0, position - 65_536)
            found = os.pread(file.fileno(), position - start, start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            position = start
    return 0


def _copy_trees(settings: Settings, draft: Path, progress: Progress) -> list[Part]:
    """Recordings, and what the hospital put into Asterisk's data directory (music, say: links are the package's)."""
    data = settings.pbx_dir / "data"
    own = [path for path in sorted(data.glob("*")) if path.is_dir() and not path.is_symlink() and path.name != _SOUNDS]
    trees = [(parts_of.RECORDINGS, settings.recordings_dir, settings.recordings_dir)]
    trees += [(parts_of.DATA, data, path) for path in own]
    parts: list[Part] = []
    for kind, base, tree in trees:
        for path in sorted(tree.rglob("*")):
            if path.is_file() and not path.is_symlink():
                progress(f"copying {kind}: {len(parts)} files")
                with suppress(FileNotFoundError):  # retention deleted it meanwhile
                    parts.append(copy_part(path, draft, PurePosixPath(kind, *path.relative_to(base).parts)))
    return parts


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
