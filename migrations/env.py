"""Alembic's entry: the models' metadata against the database that callcenter.core.migrate names."""

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

import callcenter.accounts.models
import callcenter.agents.models
import callcenter.asterisk.models
import callcenter.calendar.models
import callcenter.callbacks.models
import callcenter.callouts.models
import callcenter.calls.models
import callcenter.core.alarms
import callcenter.core.audit
import callcenter.directory.models
import callcenter.ivr.models
import callcenter.patients.models
import callcenter.queues.models
import callcenter.speech.models
import callcenter.workorders.models  # noqa: F401
from callcenter.core.db import Base


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


async def _run_online() -> None:
    engine = create_async_engine(context.config.attributes["url"])
    async with engine.connect() as connection:
        # two services starting together: the second waits, then finds nothing to do
        await connection.exec_driver_sql("SELECT pg_advisory_lock(7263001)")
        await connection.commit()
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_run_online())
