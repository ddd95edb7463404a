"""What commands share: settings, and a database to work on."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from rich.console import Console

from callcenter.core.config import Settings, get_settings
from callcenter.core.db import Database
from callcenter.core.embedded_postgres import EmbeddedPostgres
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
    if chosen.database_url:
        upgrade(chosen.database_url)
        yield chosen.database_url
        return
    server = embedded(chosen)
    was_running = server.status().running
    with console_progress() as progress:
        progress("PostgreSQL: starting")
        url = server.start()
        progress("PostgreSQL: bringing the schema up to date")
        upgrade(url)
    try:
        yield url
    finally:
        if not was_running:
            server.stop()


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    database = Database(url, pool_size=2, application_name="callcenter-cli")
    try:
        yield database
    finally:
        await database.close()
