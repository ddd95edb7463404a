"""What commands share: settings, and a database to work on."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from rich.console import Console
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from callcenter.core.config import Settings, get_settings
from callcenter.core.db import Database
from callcenter.core.embedded_postgres import EmbeddedPostgres
from callcenter.core.errors import SetupError
from callcenter.core.migrate import upgrade
from callcenter.core.progress import console_progress

out = Console()


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The PostgreSQL of this installation's state directory."""
    return EmbeddedPostgres(settings.state_dir / "postgres")


@contextmanager
def database_url(settings: Settings | None = None) -> Iterator[str]:
    """The URL of a migrated database: the configured one, or the embedded one, started if it is down.

    What was started here is stopped at the end; a server that already ran stays.
    """
    chosen = settings or get_settings()
    with server_url(chosen) as url:
        if chosen.database_url:
            _upgrade_configured(url)
        else:
            with console_progress() as progress:
                progress("PostgreSQL: bringing the schema up to date")
                upgrade(url)
        yield url


@contextmanager
def server_url(settings: Settings) -> Iterator[str]:
    """As :func:`database_url`, with the schema left as it is."""
    if settings.database_url:
        yield settings.database_url
        return
    server = embedded(settings)
    was_running = server.status().running
    with console_progress() as progress:
        progress("PostgreSQL: starting")
        url = server.start()
    try:
        yield url
    finally:
        if not was_running:
            server.stop()


def _upgrade_configured(url: str) -> None:
    try:
        upgrade(url)
    except (OSError, asyncpg.PostgresError, SQLAlchemyError) as error:
        reason = getattr(error, "orig", None) or error
        raise SetupError(
            f"PostgreSQL at {make_url(url).render_as_string(hide_password=True)} cannot be used "
            f"({type(reason).__name__}: {reason}): start it or correct CALLCENTER_DATABASE_URL."
        ) from error


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    database = Database(url, pool_size=2, application_name="callcenter-cli")
    try:
        yield database
    finally:
        await database.close()
