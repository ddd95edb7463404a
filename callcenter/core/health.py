"""Is the database there and of our schema: what every role's readiness begins with."""

from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from callcenter.core.db import CONNECTION_FAULTS, Database, answer_within
from callcenter.core.schema import Fit, FoundSchema, find_schema, fit, head_revision, known_revisions

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a role needs. ``reason``: a stable word when it is not ``ok``."""

    name: str
    ok: bool
    reason: str = ""


async def check_database(database: Database, *, timeout_seconds: float = 1.0) -> list[Check]:
    """``database``: answers within ``timeout_seconds``; ``schema``: is one that this version works on. Never raises."""
    try:
        found = await answer_within(timeout_seconds, _read_schema(database))
    except TimeoutError:
        return [Check("database", ok=False, reason="timeout"), Check("schema", ok=False, reason="unknown")]
    except (*CONNECTION_FAULTS, SQLAlchemyError) as error:
        log.warning("database_unavailable", error=type(error).__name__)
        return [Check("database", ok=False, reason="unreachable"), Check("schema", ok=False, reason="unknown")]
    fitting = fit(found, known_revisions(), head_revision())
    works = fitting in {Fit.CURRENT, Fit.AHEAD}
    reason = "" if fitting is Fit.CURRENT else fitting.value
    return [Check("database", ok=True), Check("schema", ok=works, reason=reason)]


async def _read_schema(database: Database) -> FoundSchema:
    async with database.transaction() as session:
        return await (await session.connection()).run_sync(find_schema)
