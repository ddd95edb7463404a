"""A backup of a hospital with calls, brought back into nothing: every table, secret and file is as it was."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from callcenter.backup.dump import open_snapshot
from callcenter.backup.errors import BackupDamaged, BackupRefused, RestoreRefused
from callcenter.backup.making import dated_name, make_backup, old_backups
from callcenter.backup.manifest import FILE_NAME, Manifest
from callcenter.backup.restoring import Restored, restore_backup
from callcenter.calls.models import Call
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.embedded_postgres import EmbeddedPostgres
from callcenter.core.ids import new_id
from callcenter.core.progress import silent
from callcenter.core.secrets import get_secret
from demo import hospital
from demo.observer import until
from tests.support.ledger_reading import LedgerFolder, derived, read_all
from tests.support.ledger_tables import scenario

ALL_ROWS = "SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY to_jsonb(t)::text), '[]') FROM {} t"
TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1
"""
MUSIC = b"the hospital's own music"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    """A new machine: an empty state directory."""
    return Settings(state_dir=tmp_path / "new" / "state")


@pytest.fixture
def empty_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    name = f"empty_{new_id().hex}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Database]:
    database = Database(empty_url, application_name="test")
    yield database
    await database.close()


@dataclass(frozen=True)
class Trial:
    """An installation with data, and an empty one; ``backup``: where a backup may be made."""

    settings: Settings
    database: Database
    ledgers: LedgerFolder
    elsewhere: Settings
    empty: Database
    backup: Path


@pytest.fixture
async def trial(database: Database, settings: Settings, elsewhere: Settings, empty: Database, tmp_path: Path) -> Trial:
    """The sample hospital; one call read, the next on disk only; a recording, music, secrets."""
    async with database.transaction() as session:
        await hospital.load(
            session,
            code_key=get_secret(settings, "check_code_key"),
            admin_password="admin of this test",
            agent_password="agent of this test",
        )
    ledgers = ledger_folder(settings)
    ledgers.append(scenario("agent_hangs_up"))
    await read_all(ledgers, database)
    ledgers.append(scenario("agent_hangs_up", series=2, start=600))
    with settings.ledger_file.open("ab") as ledger:
        ledger.write(b'{"EventType":"half of a li')
    for path, content in (
        (settings.recordings_dir / "20260105" / "a.wav", os.urandom(100_000)),
        (settings.pbx_dir / "data" / "moh" / "own.wav", MUSIC),
    ):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    (settings.pbx_dir / "data" / "firmware").symlink_to("/nowhere")
    return Trial(settings, database, ledgers, elsewhere, empty, tmp_path / "backups" / "one")


def ledger_folder(settings: Settings) -> LedgerFolder:
    """Both files where Asterisk has them."""
    folder = LedgerFolder(settings.pbx_dir)
    folder.cel, folder.queue_log = settings.ledger_file, settings.queue_log_file
    folder.cel.parent.mkdir(parents=True, exist_ok=True)
    return folder


async def all_rows(database: Database) -> dict[str, str]:
    async with database.transaction() as session:
        names = (await session.scalars(text(TABLES))).all()
        return {name: json.dumps(await session.scalar(text(ALL_ROWS.format(name)))) for name in names}


async def restored(
    settings: Settings, url: str, source: Path, *, replace: bool = False, agree: bool = True
) -> Restored | None:
    return await restore_backup(settings, url, source, replace=replace, confirm=lambda _: agree, progress=silent)


async def backed_up(settings: Settings, database: Database, target: Path) -> Manifest:
    return await make_backup(settings, database.url, target, silent)


async def test_everything_comes_back(trial: Trial) -> None:
    manifest = await backed_up(trial.settings, trial.database, trial.backup)
    before = await all_rows(trial.database)
    assert await restored(trial.elsewhere, trial.empty.url, trial.backup)

    assert await all_rows(trial.empty) == before
    assert manifest.rows["patients"] > 0 < manifest.rows[Call.__tablename__]
    assert manifest.rows.keys() == before.keys()
    assert get_secret(trial.elsewhere, "check_code_key") == get_secret(trial.settings, "check_code_key")
    assert (trial.elsewhere.secrets_dir / "check_code_key").stat().st_mode & 0o777 == 0o600
    recording = "20260105/a.wav"
    assert (trial.elsewhere.recordings_dir / recording).read_bytes() == (
        trial.settings.recordings_dir / recording
    ).read_bytes()
    assert (trial.elsewhere.pbx_dir / "data" / "moh" / "own.wav").read_bytes() == MUSIC
    assert not (trial.elsewhere.pbx_dir / "data" / "firmware").exists()
    assert not (trial.elsewhere.secrets_dir / "ami_events_secret").exists()


def finish_half_line(settings: Settings) -> None:
    with settings.ledger_file.open("ab") as ledger:
        ledger.write(b'ne"}\n')


async def test_reading_goes_on_where_the_dump_stood(trial: Trial) -> None:
    await backed_up(trial.settings, trial.database, trial.backup)
    await restored(trial.elsewhere, trial.empty.url, trial.backup)
    there = ledger_folder(trial.elsewhere)
    third = scenario("agent_hangs_up", series=3, start=1200)
    there.append(third)
    await read_all(there, trial.empty)

    finish_half_line(trial.settings)
    trial.ledgers.append(third)
    await read_all(trial.ledgers, trial.database)
    assert await derived(trial.empty) == await derived(trial.database)
    assert len((await derived(trial.empty))["calls"]) == 3


async def test_a_rotated_ledger_and_the_new_one_come_back_each(trial: Trial) -> None:
    finish_half_line(trial.settings)
    for path in (trial.settings.ledger_file, trial.settings.queue_log_file):
        path.rename(path.with_name(f"{path.name}.1"))
    trial.ledgers.append(scenario("agent_hangs_up", series=3, start=1200))
    unread = {path.name: path.read_bytes() for path in trial.settings.ledger_file.parent.glob("ledger.jsonl*")}
    assert len(unread) == 2
    await backed_up(trial.settings, trial.database, trial.backup)
    await restored(trial.elsewhere, trial.empty.url, trial.backup)

    there = {path.name: path.read_bytes() for path in trial.elsewhere.ledger_file.parent.glob("ledger.jsonl*")}
    assert there == unread
    await read_all(ledger_folder(trial.elsewhere), trial.empty)
    assert len((await derived(trial.empty))["calls"]) == 3


async def test_a_ledger_that_survived_is_kept(trial: Trial) -> None:
    await backed_up(trial.settings, trial.database, trial.backup)
    finish_half_line(trial.settings)
    trial.ledgers.append(scenario("agent_hangs_up", series=3, start=1200))
    longer = trial.settings.ledger_file.read_bytes()
    done = await restored(trial.settings, trial.empty.url, trial.backup)
    assert trial.settings.ledger_file.read_bytes() == longer
    assert done
    assert done.kept >= 3  # both ledgers and the recording


async def test_a_ledger_begun_anew_does_not_hide_the_old_one(trial: Trial) -> None:
    await backed_up(trial.settings, trial.database, trial.backup)
    there = ledger_folder(trial.elsewhere)
    there.append(scenario("agent_hangs_up", series=9, start=3000))
    await restored(trial.elsewhere, trial.empty.url, trial.backup)
    await read_all(there, trial.empty)
    assert len((await derived(trial.empty))["calls"]) == 3  # read before, read from the backup, new


async def test_a_damaged_backup_changes_nothing(trial: Trial) -> None:
    backup = trial.backup
    manifest = await backed_up(trial.settings, trial.database, backup)
    for part in manifest.parts:
        whole = (backup / part.path).read_bytes()
        (backup / part.path).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(BackupDamaged, match=part.path):
            await restored(trial.elsewhere, trial.empty.url, backup)
        (backup / part.path).unlink()
        with pytest.raises(BackupDamaged, match=f"{part.path} is missing"):
            await restored(trial.elsewhere, trial.empty.url, backup)
        (backup / part.path).write_bytes(whole)
    words = (backup / FILE_NAME).read_text()
    for broken in (
        words[:-40],
        words.replace('"secrets/', '"../secrets/'),
        words.replace('"format": 1', '"format": 2'),
    ):
        (backup / FILE_NAME).write_text(broken)
        with pytest.raises(BackupDamaged):
            await restored(trial.elsewhere, trial.empty.url, backup)
    (backup / FILE_NAME).unlink()
    with pytest.raises(BackupDamaged, match="no whole backup"):
        await restored(trial.elsewhere, trial.empty.url, backup)
    assert await all_rows(trial.empty) == {}
    assert not trial.elsewhere.secrets_dir.exists()


async def test_a_database_in_use_is_not_overwritten(trial: Trial) -> None:
    await backed_up(trial.settings, trial.database, trial.backup)
    before = await all_rows(trial.database)
    service = Database(trial.database.url, application_name="callcenter-engine")
    async with service.transaction() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(RestoreRefused, match=r"callcenter-engine.*stop it first"):
            await restored(trial.settings, trial.database.url, trial.backup, replace=True)
    await service.close()
    with pytest.raises(RestoreRefused, match="--replace"):
        await restored(trial.settings, trial.database.url, trial.backup)
    assert await restored(trial.settings, trial.database.url, trial.backup, replace=True, agree=False) is None
    assert await all_rows(trial.database) == before


async def test_replacing_brings_back_the_day_of_the_backup(trial: Trial) -> None:
    await backed_up(trial.settings, trial.database, trial.backup)
    before = await all_rows(trial.database)
    async with trial.database.transaction() as session:
        await session.execute(text("DELETE FROM audit_entries"))
        await session.execute(text("UPDATE patients SET name = 'somebody else'"))
    await trial.database.close()
    (trial.settings.secrets_dir / "check_code_key").write_text("another key, by mistake")
    with pytest.raises(RestoreRefused, match="check_code_key"):
        await restored(trial.settings, trial.database.url, trial.backup)
    assert await restored(trial.settings, trial.database.url, trial.backup, replace=True)
    assert await all_rows(trial.database) == before


async def test_a_schema_of_tomorrow_is_refused(trial: Trial) -> None:
    backup = trial.backup
    manifest = await backed_up(trial.settings, trial.database, backup)
    (backup / FILE_NAME).write_text(manifest.model_copy(update={"schema_revision": "9999"}).model_dump_json())
    with pytest.raises(RestoreRefused, match="9999"):
        await restored(trial.elsewhere, trial.empty.url, backup)
    (backup / FILE_NAME).write_text(manifest.model_copy(update={"pbx": "pbx2"}).model_dump_json())
    with pytest.raises(RestoreRefused, match="CALLCENTER_PBX_NAME=pbx2"):
        await restored(trial.elsewhere, trial.empty.url, backup)


async def test_a_backup_overwrites_nothing_and_leaves_no_half(trial: Trial) -> None:
    place = trial.backup.parent
    await backed_up(trial.settings, trial.database, place / "one")
    with pytest.raises(BackupRefused, match="exists already"):
        await backed_up(trial.settings, trial.database, place / "one")
    with pytest.raises(BackupRefused, match="no call centre"):
        await backed_up(trial.settings, trial.empty, place / "two")
    (trial.settings.secrets_dir / "check_code_key").chmod(0o644)
    with pytest.raises(Exception, match="chmod 600"):
        await backed_up(trial.settings, trial.database, place / "three")
    assert [path.name for path in place.iterdir()] == ["one"]


async def test_an_interrupted_backup_leaves_nothing(trial: Trial) -> None:
    """Ctrl-C while pg_dump waits for a table."""
    place = trial.backup.parent
    async with trial.database.transaction() as session:
        await session.execute(text("LOCK TABLE patients IN ACCESS EXCLUSIVE MODE"))
        process = await asyncio.create_subprocess_exec(
            # tests that a shell runs in the background have it ignored, and so would this
            *("env", "--default-signal=INT", sys.executable, "-m", "callcenter", "backup", str(place / "one")),
            env={
                **os.environ,
                "CALLCENTER_STATE_DIR": str(trial.settings.state_dir),
                "CALLCENTER_DATABASE_URL": trial.database.url,
            },
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(180):
            while not list(place.glob(".one.*.unfinished")):
                assert process.returncode is None, await process.communicate()
                await asyncio.sleep(0.05)
            process.send_signal(signal.SIGINT)
            assert await process.wait() != 0
    assert list(place.iterdir()) == []


async def test_it_ends_at_once_though_the_server_does_not_hear_of_it(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL forgets a cancellation that is there before its query, which then waits for its table for ever."""

    async def unheard(*_: object) -> None:
        return

    async def count() -> None:
        async with open_snapshot(trial.database.url, silent):
            raise AssertionError("the table was not locked")

    async def waits() -> bool:
        async with trial.database.transaction() as session:
            return bool(await session.scalar(text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")))

    monkeypatch.setattr(asyncpg.Connection, "_cancel", unheard)
    async with trial.database.transaction() as session:
        await session.execute(text("LOCK TABLE patients IN ACCESS EXCLUSIVE MODE"))
        counting = asyncio.create_task(count())
        await until("the table is waited for", waits)
        counting.cancel()
        async with asyncio.timeout(20):
            await asyncio.wait({counting})
    assert counting.cancelled()


def test_only_whole_dated_backups_are_counted_as_old(tmp_path: Path) -> None:
    names = [f"callcenter-2026010{day}T020000Z" for day in range(1, 6)]
    for name in [*names, "callcenter-precious", "other"]:
        (tmp_path / name).mkdir()
        if name != names[2]:
            (tmp_path / name / FILE_NAME).touch()
    assert [path.name for path in old_backups(tmp_path, 2)] == names[:2]
    assert old_backups(tmp_path, 9) == []
    assert len(dated_name(now())) == len(names[0])
