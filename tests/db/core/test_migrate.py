"""Migrations run while others use the tables, one at a time, and say what they did."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, text

from callcenter.core.db import Base, Database
from callcenter.core.embedded_postgres import EmbeddedPostgres
from callcenter.core.errors import SetupError
from callcenter.core.health import check_database
from callcenter.core.ids import new_id
from callcenter.core.migrate import MIGRATIONS, alembic_config, upgrade
from tests.support.locks import waits_for_a_lock

TEST_REVISIONS = Path(__file__).parents[2] / "support" / "revisions"
BEFORE_THE_RULES = "0007"
EXCLUDED = (
    "prefer-robust-stmts",  # each migration is one transaction
    "require-lock-timeout",  # the runner sets it
    "require-statement-timeout",  # nobody waits for a long one: it holds no lock that matters
    "prefer-text-field",
    "prefer-bigint-over-int",
    "prefer-identity",
    "ban-drop-constraint",  # fewer rules refuse nothing that the previous version writes
)


@pytest.fixture
async def old_database(postgres_server: EmbeddedPostgres) -> AsyncIterator[Database]:
    """At the release before the rules."""
    name = f"old_{new_id().hex}"
    database = Database(postgres_server.create_database(name))
    await asyncio.to_thread(upgrade, database.url, BEFORE_THE_RULES)
    yield database
    await database.close()
    postgres_server.drop_database(name)


async def schema_of(database: Database) -> dict[str, tuple[bool, str]]:
    return {check.name: (check.ok, check.reason) for check in await check_database(database, timeout_seconds=10)}


async def run(url: str, revision: str = "head", **options: float) -> None:
    await asyncio.to_thread(upgrade, url, revision, folders=[TEST_REVISIONS], **options)


async def test_every_revision_goes_up_and_down_and_models_agree(old_database: Database) -> None:
    await asyncio.to_thread(upgrade, old_database.url)
    await asyncio.to_thread(command.downgrade, alembic_config(old_database.url), BEFORE_THE_RULES)
    assert (await schema_of(old_database))["schema"] == (False, "not-migrated")
    await asyncio.to_thread(upgrade, old_database.url)

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))

    async with old_database.engine.connect() as connection:
        found = await connection.run_sync(differences)
    assert [difference for difference in found if not is_partition(difference)] == []
    async with old_database.transaction() as session:
        noted = (await session.scalars(text("SELECT revision FROM schema_revisions ORDER BY id"))).all()
    assert noted == [path.name[:4] for path in sorted((MIGRATIONS / "versions").glob("0*.py"))]


def is_partition(difference: object) -> bool:
    """Made by the engine month by month; no model names them."""
    return isinstance(difference, tuple) and difference[0] in {"remove_table", "remove_index"}


async def test_two_that_start_together_do_it_once(old_database: Database) -> None:
    code = "import sys; from callcenter.core.migrate import upgrade; upgrade(sys.argv[1])"
    together = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", code, old_database.url, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in together:
        _, words = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode == 0, words.decode()
    assert (await schema_of(old_database))["schema"] == (True, "")


async def test_a_busy_table_is_waited_for_without_holding_up_others(database: Database) -> None:
    """Somebody reads ``calls`` for long; the migration wants it alone; callers' statements go on meanwhile."""
    async with database.transaction() as reader:
        await reader.execute(text("SELECT count(*) FROM calls_by_month"))
        migration = asyncio.create_task(run(database.url, "t001"))
        for _ in range(3):
            await waits_for_a_lock(database)
            async with database.transaction() as session:  # would wait behind a migration that waits without an end
                await session.execute(text("SET LOCAL statement_timeout = '5s'"))
                await session.execute(text("UPDATE calls_by_month SET language = 'zh'"))
        assert not migration.done()
    await asyncio.wait_for(migration, 60)
    async with database.transaction() as session:
        assert (await session.scalars(text("SELECT colour FROM calls_by_month"))).all() == []


async def test_a_table_that_stays_busy_is_given_up_with_a_word(database: Database) -> None:
    async with database.transaction() as reader:
        await reader.execute(text("SELECT count(*) FROM calls_by_month"))
        with pytest.raises(SetupError, match="pg_stat_activity"):
            await run(database.url, "t001", patience_seconds=0.5)
    assert (await schema_of(database))["schema"] == (True, "")


async def test_an_older_version_goes_on_until_something_is_taken_away(database: Database) -> None:
    """The older version is this one: it does not know the test's revisions."""
    await run(database.url, "t003")
    assert (await schema_of(database))["schema"] == (True, "ahead")
    await asyncio.to_thread(upgrade, database.url)  # as each process does at its start
    assert (await schema_of(database))["schema"] == (True, "ahead")
    await run(database.url)
    assert (await schema_of(database))["schema"] == (False, "too-new")
    with pytest.raises(SetupError, match="newer version"):
        await asyncio.to_thread(upgrade, database.url)


async def test_a_half_made_index_is_made_again(database: Database) -> None:
    await run(database.url, "t002")
    async with database.transaction() as session:  # as CREATE INDEX CONCURRENTLY leaves it when it is interrupted
        await session.execute(text("CREATE INDEX ix_agents_mood ON agents (mood)"))
        await session.execute(
            text("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_agents_mood'::regclass")
        )
    await run(database.url, "t003")
    async with database.transaction() as session:
        is_valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_agents_mood'::regclass"
        assert await session.scalar(text(is_valid))


# -- what migrations say


def test_each_says_whether_it_expands_or_contracts() -> None:
    for script in ScriptDirectory.from_config(alembic_config("")).walk_revisions():
        if script.revision > BEFORE_THE_RULES:
            assert script.module.phase in {"expand", "contract"}, script.revision


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """All that is sent to any database meanwhile."""
    sent: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", keep)
    yield sent
    event.remove(Engine, "before_cursor_execute", keep)


async def test_no_statement_of_a_migration_holds_up_callers(
    old_database: Database, statements: list[str], tmp_path: Path
) -> None:
    """squawk reads what each migration sends; a finding it may have stands in its ``accepted`` with the reason."""
    scripts = ScriptDirectory.from_config(alembic_config(""))
    newer = [
        script for script in scripts.walk_revisions(BEFORE_THE_RULES, "head") if script.revision > BEFORE_THE_RULES
    ]
    findings = []
    for script in reversed(newer):
        statements.clear()
        await asyncio.to_thread(upgrade, old_database.url, script.revision)
        accepted = getattr(script.module, "accepted", {})
        found = squawk(tmp_path / f"{script.revision}.sql", statements)
        findings += [f"{script.revision}: {rule}: {line}" for rule, line in found if rule not in accepted]
    assert findings == []


def test_the_linter_finds_what_it_is_there_for(tmp_path: Path) -> None:
    found = squawk(
        tmp_path / "bad.sql", ["CREATE INDEX x ON calls (id)", "ALTER TABLE calls ALTER COLUMN id TYPE text"]
    )
    assert {rule for rule, _ in found} >= {"require-concurrent-index-creation", "changing-column-type"}


def squawk(file: Path, sent: list[str]) -> list[tuple[str, str]]:
    """(rule, statement) of each finding in the statements that change the schema."""
    schema = [one for one in sent if re.match(r"\s*(ALTER|CREATE|DROP|UPDATE|DELETE|TRUNCATE|LOCK)\b", one, re.I)]
    file.write_text("".join(f"{one.strip().rstrip(';')};\n" for one in schema))
    program = shutil.which("squawk", path=str(Path(sys.executable).parent))
    assert program
    done = subprocess.run(
        [program, "--reporter=json", "--pg-version=18", f"--exclude={','.join(EXCLUDED)}", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = file.read_text().splitlines()
    return [(one["rule_name"], lines[one["line"]]) for one in json.loads(done.stdout)] if schema else []
