"""Fixtures for everybody: a database of one's own on a real PostgreSQL, and where mail and webhooks go."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from callcenter.core.db import Database
from callcenter.core.embedded_postgres import EmbeddedPostgres
from tests.support import postgres
from tests.support.mail_server import MailBox, mail_server
from tests.support.webhook_server import WebhookServer, webhook_server


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.begin_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and postgres.RUN_DIR_VARIABLE in os.environ:
        postgres.end_run()


@pytest.fixture(scope="session")
def postgres_server() -> EmbeddedPostgres:
    """The run's server; shared, so stop it in no test (make an EmbeddedPostgres of your own for that)."""
    return postgres.shared_server()


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A migrated, empty database of this test's own."""
    with postgres.lent_database(postgres_server) as name:
        yield postgres_server.url(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def box() -> AsyncIterator[MailBox]:
    """A mail server, and what it has taken."""
    async with mail_server(MailBox()) as box:
        yield box


@pytest.fixture
async def hook() -> AsyncIterator[WebhookServer]:
    """Whoever is told by webhook."""
    async with webhook_server() as hook:
        yield hook
