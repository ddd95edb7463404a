"""Which schema a database has, told to processes of any version: may this one work on it?

A version knows its own revisions only. What came after them is told by the table ``schema_revisions``: as long as
nothing was contracted since this version's newest revision, this version goes on, and may be started too.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from alembic.script import ScriptDirectory
from sqlalchemy import BigInteger, Connection, Identity, text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base
from callcenter.core.migrate import alembic_config


class SchemaRevision(Base):
    """A migration that was applied. ``phase``: ``expand`` (older processes go on) or ``contract`` (they must not)."""

    __tablename__ = "schema_revisions"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    revision: Mapped[str] = mapped_column(unique=True)
    phase: Mapped[str]
    applied_at: Mapped[datetime]


class Fit(StrEnum):
    """How a database's schema fits this version. The words are the health check's reasons."""

    CURRENT = "current"
    AHEAD = "ahead"
    """Expanded by a newer version: both work."""
    BEHIND = "not-migrated"
    TOO_NEW = "too-new"
    """Contracted by a newer version: what this one needs is gone."""


@dataclass(frozen=True, slots=True)
class FoundSchema:
    """``revision`` None: there is none. ``applied``: revision -> phase, oldest first; empty where nobody noted it."""

    revision: str | None
    applied: dict[str, str]


_READ = """
SELECT (SELECT version_num FROM alembic_version),
       (SELECT coalesce(array_agg(revision || ' ' || phase ORDER BY id), '{}') FROM schema_revisions)
"""
_READ_OLD = "SELECT version_num, '{}'::text[] FROM alembic_version"
_PRESENT = "SELECT to_regclass('alembic_version') IS NOT NULL, to_regclass('schema_revisions') IS NOT NULL"


def find_schema(connection: Connection) -> FoundSchema:
    """What stands in the database now."""
    has_version, has_history = connection.execute(text(_PRESENT)).one()
    row = connection.execute(text(_READ if has_history else _READ_OLD)).one_or_none() if has_version else None
    if row is None:
        return FoundSchema(None, {})
    return FoundSchema(row[0], dict(applied.split(" ") for applied in row[1]))


def fit(found: FoundSchema, known: frozenset[str], head: str) -> Fit:
    """Pure. ``known``, ``head``: of this version."""
    if found.revision == head:
        return Fit.CURRENT
    if found.revision is None or found.revision in known:
        return Fit.BEHIND
    order = list(found.applied)
    if head not in order or found.revision not in order:
        return Fit.TOO_NEW  # nobody said what was done since
    since = order[order.index(head) + 1 :]
    return Fit.AHEAD if all(found.applied[revision] == "expand" for revision in since) else Fit.TOO_NEW


@lru_cache(maxsize=1)
def known_revisions() -> frozenset[str]:
    """All that this code brings (migrations/versions)."""
    return frozenset(script.revision for script in _scripts().walk_revisions())


@lru_cache(maxsize=1)
def head_revision() -> str:
    """The newest of them."""
    head = _scripts().get_current_head()
    if head is None:
        raise RuntimeError("no migrations")
    return head


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config(""))
