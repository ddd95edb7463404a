"""A worker's API over a database with a hospital in it, for tests that are no coroutines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.core.embedded_postgres import EmbeddedPostgres
from demo import hospital
from tests.support import postgres
from tests.support.served_app import ServedApp, served_app


async def _load_hospital(served: ServedApp) -> None:
    async with served.database.transaction() as session:
        await hospital.load(
            session,
            code_key=served.app.state.code_key,
            admin_password="admin of this test",
            agent_password="agent of this test",
            wrap_up_seconds=1,
        )


@pytest.fixture(scope="session")
def hospital_api(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApp]:
    """The sample hospital's API; what one test changes in it another may find: assert nothing about its rows."""
    name = postgres.new_database(postgres_server)
    state_dir: Path = tmp_path_factory.mktemp("hospital") / "state"
    with served_app(postgres_server.url(name), state_dir) as served:
        served.run(_load_hospital(served))
        yield served
    postgres_server.drop_database(name)
