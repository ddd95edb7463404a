"""``callcenter backup`` and ``callcenter restore``"""

import asyncio
import shutil
from pathlib import Path
from typing import Annotated

import typer

from callcenter.backup.errors import BackupRefused
from callcenter.backup.making import dated_name, make_backup, old_backups
from callcenter.backup.manifest import Manifest, sizes
from callcenter.backup.restoring import restore_backup
from callcenter.cli.common import out, server_url
from callcenter.core.clock import now
from callcenter.core.config import get_settings
from callcenter.core.errors import SetupError
from callcenter.core.progress import console_progress


def backup(
    directory: Annotated[Path, typer.Argument(help="A new directory; with --dated one to hold many.")],
    dated: Annotated[bool, typer.Option("--dated", help="Make it inside, named by date and time (UTC).")] = False,
    keep: Annotated[
        int | None, typer.Option(min=1, help="With --dated: afterwards delete all but so many of the newest.")
    ] = None,
) -> None:
    """Back up database, secrets, recordings and unread ledger files into one directory; calls go on."""
    if keep is not None and not dated:
        raise BackupRefused("--keep needs --dated: it deletes old backups by their dated names.")
    place = directory.expanduser().resolve()
    target = place / dated_name(now()) if dated else place
    settings = get_settings()
    with server_url(settings) as url, console_progress() as progress:
        made = asyncio.run(make_backup(settings, url, target, progress))
        for old in old_backups(place, keep) if keep else []:
            progress(f"deleting {old.name}")
            shutil.rmtree(old)
    out.print(f"{target}: {_summary(made)}", soft_wrap=True, highlight=False)


def restore(
    directory: Annotated[Path, typer.Argument(help="A backup.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="The database may hold tables: they go, after a question.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --replace: do not ask.")] = False,
) -> None:
    """Check a backup and bring it back into an empty database and state directory. The service must be stopped."""

    def confirm(what: str) -> bool:
        return yes or typer.confirm(f"{what} Go on?")

    settings = get_settings()
    source = directory.expanduser().resolve()
    with server_url(settings) as url, console_progress() as progress:
        done = asyncio.run(restore_backup(settings, url, source, replace=replace, confirm=confirm, progress=progress))
    if done is None:
        raise SetupError("Nothing was changed.")
    out.print(f"Restored: {_summary(done.manifest)}; {done.kept} files were there already.", soft_wrap=True)
    out.print(
        "Now render Asterisk's configuration (callcenter pbx prepare), start Asterisk, then the service "
        "(callcenter serve); spoken texts are written to Asterisk's folder by the engine."
    )


def _summary(manifest: Manifest) -> str:
    kinds = ", ".join(f"{kind} {files} ({size / 1e6:.1f} MB)" for kind, (files, size) in sizes(manifest.parts).items())
    return f"{sum(manifest.rows.values())} rows of schema {manifest.schema_revision}; files: {kinds}"
