"""Bringing a backup back: first all that speaks against it, then the database, then the files, then the count."""

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util import CommandError

from callcenter.asterisk.ledger_files import find_files
from callcenter.backup import manifest as parts_of
from callcenter.backup.dump import check_target, count_rows, restore
from callcenter.backup.errors import BackupDamaged, RestoreRefused
from callcenter.backup.making import MADE_ANEW
from callcenter.backup.manifest import Manifest, Part, read_manifest, verify
from callcenter.core.config import Settings
from callcenter.core.migrate import alembic_config, upgrade
from callcenter.core.progress import Progress
from callcenter.core.secrets import NAMES, find_secret


@dataclass(frozen=True, slots=True)
class Restored:
    """``kept``: files that were there already and stayed, since they are the same or hold more."""

    manifest: Manifest
    files: int
    kept: int


async def restore_backup(
    settings: Settings,
    url: str,
    source: Path,
    *,
    replace: bool,
    confirm: Callable[[str], bool],
    progress: Progress,
) -> Restored | None:
    """``source`` into the database ``url`` and the state directory; None when ``confirm`` said no.

    ``replace``: what the database holds may go, once ``confirm`` has agreed. Raises BackupDamaged, RestoreRefused.
    """
    manifest = await asyncio.to_thread(read_manifest, source)
    await asyncio.to_thread(verify, source, manifest, progress)
    check_revision(manifest)
    check_files(settings, source, manifest, replace=replace)
    is_filled = await check_target(url, dump_major=manifest.postgres_major, replace=replace)
    if is_filled and not confirm(
        f"The database and its secrets are replaced by those of {manifest.finished_at:%F %R %Z}."
    ):
        return None
    await restore(url, source / parts_of.DATABASE, empty_first=is_filled, progress=progress)
    found = await count_rows(url, progress)
    if found != manifest.rows:
        differing = sorted(name for name in {*found, *manifest.rows} if found.get(name) != manifest.rows.get(name))
        raise BackupDamaged(
            f"After the restore these tables have other numbers of rows than in the manifest: {', '.join(differing)}; "
            "take another backup."
        )
    progress("restoring files")
    written = await asyncio.to_thread(_restore_files, settings, source, manifest)
    progress("bringing the schema up to date")
    await asyncio.to_thread(upgrade, url)
    files = [part for part in manifest.parts if part.kind != parts_of.DATABASE]
    return Restored(manifest, written, len(files) - written)


def check_revision(manifest: Manifest) -> None:
    """Raises RestoreRefused when this version does not know the backup's schema."""
    scripts = ScriptDirectory.from_config(alembic_config(""))
    try:
        scripts.get_revision(manifest.schema_revision)
    except CommandError as error:
        raise RestoreRefused(
            f"The backup's schema is {manifest.schema_revision}, which this version does not know (it knows up to "
            f"{scripts.get_current_head()}): restore with version {manifest.version} or newer."
        ) from error


def check_files(settings: Settings, source: Path, manifest: Manifest, *, replace: bool) -> None:
    """Raises RestoreRefused where a restored secret would not hold, or belongs to another PBX."""
    if manifest.pbx != settings.pbx_name:
        raise RestoreRefused(
            f"The backup is of {manifest.pbx} and this is {settings.pbx_name}: set CALLCENTER_PBX_NAME={manifest.pbx}."
        )
    for part in manifest.of(parts_of.SECRETS):
        name = str(part.inner)
        if name not in NAMES - MADE_ANEW:
            raise BackupDamaged(f"{part.path} is no secret that this version knows: restore with a newer version.")
        here = find_secret(settings, name)
        if here is None or here == (source / part.path).read_text().strip():
            continue
        if os.environ.get(f"CALLCENTER_{name.upper()}"):
            raise RestoreRefused(f"CALLCENTER_{name.upper()} is set and not the backup's: unset it, then repeat.")
        if not replace:
            raise RestoreRefused(
                f"{settings.secrets_dir / name} is another one than the backup's: move it away, or give --replace."
            )


def _restore_files(settings: Settings, source: Path, manifest: Manifest) -> int:
    """How many were written."""
    written = 0
    for part in manifest.parts:
        target = _target(settings, source, part)
        if target is not None:
            _write_whole(source / part.path, target, part)
            written += 1
    return written


def _target(settings: Settings, source: Path, part: Part) -> Path | None:
    """Where a part goes; None: nowhere, it is there already (or is the database)."""
    base = {
        parts_of.SECRETS: settings.secrets_dir,
        parts_of.RECORDINGS: settings.recordings_dir,
        parts_of.DATA: settings.pbx_dir / "data",
    }
    if part.kind in base:
        path = base[part.kind] / part.inner
        there = part.kind != parts_of.SECRETS and path.is_file() and path.stat().st_size >= part.size_bytes
        return None if there else path
    live = {parts_of.LEDGER: settings.ledger_file, parts_of.QUEUE_LOG: settings.queue_log_file}
    if part.kind in live:
        return _ledger_target(live[part.kind], source / part.path, part)
    return None


def _ledger_target(live: Path, backed_up: Path, part: Part) -> Path | None:
    """Its old name, or one beside it when Asterisk has begun a new file there: each is known by its first line."""
    mine = next((found for found in find_files(backed_up) if found.path == backed_up), None)
    here = {found.identity.head_digest: found for found in find_files(live)}
    if mine is None:
        return None  # no whole line
    if (same := here.get(mine.identity.head_digest)) is not None:
        return None if same.size >= part.size_bytes else same.path
    path = live.with_name(str(part.inner))
    return (
        path.with_name(f"{path.name}-restored-{secrets.token_hex(4)}")
        if path.exists() and path.stat().st_size
        else path
    )


def _write_whole(source: Path, target: Path, part: Part) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if part.kind == parts_of.SECRETS else 0o750)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        draft.touch(0o600)  # before there is anything to read in it
        shutil.copyfile(source, draft)
        draft.chmod(0o600 if part.kind == parts_of.SECRETS else 0o640)
        os.utime(draft, (part.modified_at.timestamp(),) * 2)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
