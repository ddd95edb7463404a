"""Alembic's entry: the models' metadata against the database that callcenter.core.migrate names."""

import asyncio

import structlog
from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import Connection, delete, insert, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import callcenter.accounts.models
import callcenter.agents.models
import callcenter.agents.watch_spans
import callcenter.alarms.models
import callcenter.asterisk.models
import callcenter.calendar.models
import callcenter.callbacks.models
import callcenter.callouts.models
import callcenter.calls.models
import callcenter.calls.recording_models
import callcenter.campaigns.audience_models
import callcenter.campaigns.models
import callcenter.core.alarms
import callcenter.core.audit
import callcenter.desk.dial_models
import callcenter.desk.models
import callcenter.directory.models
import callcenter.ivr.models
import callcenter.messaging.models
import callcenter.patients.models
import callcenter.quality.models
import callcenter.queues.models
import callcenter.queues.recording_policies
import callcenter.speech.models
import callcenter.supervision.models
import callcenter.workorders.models  # noqa: F401
from callcenter.core.clock import now
from callcenter.core.db import Base
from callcenter.core.errors import SetupError
from callcenter.core.migrate import LOCK_TIMEOUT_MILLISECONDS
from callcenter.core.schema import Fit, SchemaRevision, find_schema, fit

log = structlog.get_logger(__name__)


LOCK = 7263001
POLL_SECONDS = 0.2


def _run(connection: Connection) -> None:
    fitting = fit(find_schema(connection), frozenset(_phases()), context.script.get_current_head() or "")
    connection.commit()
    if fitting is Fit.AHEAD:
        log.info("schema_ahead", words="a newer version has expanded it; this one goes on")
        return
    if fitting is Fit.TOO_NEW:
        raise SetupError("The database's schema is of a newer version that this one cannot work on: start that one.")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        transaction_per_migration=True,
        on_version_apply=_note,
    )
    with context.begin_transaction():
        context.run_migrations()


def _phases() -> dict[str, str]:
    return {script.revision: getattr(script.module, "phase", "expand") for script in context.script.walk_revisions()}


def _note(ctx: MigrationContext, step: MigrationInfo, heads: object, run_args: object) -> None:
    """What was done, for versions that do not know this revision (callcenter.core.schema)."""
    bind, revision = ctx.connection, step.up_revision_id
    if bind is None or revision is None or not bind.scalar(text("SELECT to_regclass('schema_revisions') IS NOT NULL")):
        return
    bind.execute(delete(SchemaRevision).where(SchemaRevision.revision == revision))
    if step.is_upgrade:
        bind.execute(insert(SchemaRevision).values(revision=revision, phase=_phases()[revision], applied_at=now()))


async def _run_online() -> None:
    engine = create_async_engine(context.config.attributes["url"], poolclass=NullPool)
    async with engine.connect() as connection:
        # two services starting together: the second waits, then finds nothing to do. It asks again and again, since
        # one statement that waits would be an old transaction that CREATE INDEX CONCURRENTLY waits for
        while not (await connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({LOCK})")).scalar():
            await connection.rollback()
            await asyncio.sleep(POLL_SECONDS)
        await connection.exec_driver_sql(f"SET lock_timeout = {LOCK_TIMEOUT_MILLISECONDS}")
        await connection.commit()
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_run_online())
