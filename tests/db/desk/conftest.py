"""A desk for each test."""

from pathlib import Path

import httpx
import pytest

from callcenter.core.db import Database
from tests.db.desk.scene import Desk, given_desk


@pytest.fixture
async def desk(client: httpx.AsyncClient, database: Database, tmp_path: Path) -> Desk:
    return await given_desk(client, database, tmp_path)
