"""Bring the schema to the newest revision (alembic, migrations/) while calls go on.

Rules for migrations: docs/decisions/0027-expand-then-contract.md; helpers: :mod:`callcenter.core.online_schema`.
"""

import random
import time
from collections.abc import Sequence
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError

from callcenter.core.errors import SetupError
from callcenter.core.shipped import shipped_dir

log = structlog.get_logger(__name__)

MIGRATIONS = shipped_dir("migrations")
LOCK_TIMEOUT_MILLISECONDS = 300
"""Who waits for a lock makes everybody behind it wait. A call flow gives the database a second: this is well below."""
PATIENCE_SECONDS = 300.0
"""How long a migration is tried again that found its tables busy."""
_LONGEST_PAUSE_SECONDS = 5.0
BUSY_SQLSTATES = frozenset({"55P03", "40P01"})
"""lock_not_available, deadlock_detected: the same statement may do later."""


def upgrade(
    url: str, revision: str = "head", *, folders: Sequence[Path] = (), patience_seconds: float = PATIENCE_SECONDS
) -> None:
    """Blocking; opens its own connection. ``url`` as for :class:`callcenter.core.db.Database`.

    Each migration is a transaction of its own and waits LOCK_TIMEOUT_MILLISECONDS for a lock; then it is rolled back
    and tried again. Of several processes that start together one migrates, the others wait. A schema that is ahead of
    this version, but only by expansions, is left as it is. ``folders``: more revisions than this version's own.

    Raises SetupError when the tables stay busy, or the schema is one that this version cannot work on.
    """
    deadline = time.monotonic() + patience_seconds
    pause_seconds = 0.1
    while True:
        try:
            command.upgrade(alembic_config(url, folders), revision)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in BUSY_SQLSTATES:
                raise
            if time.monotonic() > deadline:
                raise SetupError(
                    f"The schema could not be brought up to date within {patience_seconds:.0f} s, because something "
                    "holds its tables: end long transactions (pg_stat_activity) and repeat."
                ) from error
            log.info("migration_waits", reason=error.orig.__class__.__name__)
            time.sleep(pause_seconds * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
        else:
            return


def alembic_config(url: str, folders: Sequence[Path] = ()) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    if folders:
        config.set_main_option("path_separator", "newline")
        config.set_main_option(
            "version_locations", "\n".join(str(path) for path in (MIGRATIONS / "versions", *folders))
        )
    config.attributes["url"] = url
    return config
