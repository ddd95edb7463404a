"""Is the database there and of our schema: what every role's readiness begins with."""

import asyncio
from dataclasses import dataclass
from functools import lru_cache

import asyncpg
import structlog
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from callcenter.core.db import Database
from callcenter.core.migrate import alembic_config

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a role needs. ``reason``: a stable word when it is not ``ok``."""

    name: str
    ok: bool
    reason: str = ""


async def check_database(database: Database, *, timeout_seconds: float = 1.0) -> list[Check]:
    """``database``: answers within ``timeout_seconds``; ``schema``: is at the newest revision. Never raises."""
    try:
        async with asyncio.timeout(timeout_seconds), database.transaction() as session:
            await session.execute(text("SELECT 1"))
            known = await session.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
            revision = await session.scalar(text("SELECT version_num FROM alembic_version")) if known else None
    except TimeoutError:
        return [Check("database", ok=False, reason="timeout"), Check("schema", ok=False, reason="unknown")]
    except (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.warning("database_unavailable", error=type(error).__name__)
        return [Check("database", ok=False, reason="unreachable"), Check("schema", ok=False, reason="unknown")]
    at_head = revision == head_revision()
    return [Check("database", ok=True), Check("schema", ok=at_head, reason="" if at_head else "not-migrated")]


@lru_cache(maxsize=1)
def head_revision() -> str | None:
    """The newest revision that this code brings (migrations/versions)."""
    return ScriptDirectory.from_config(alembic_config("")).get_current_head()
