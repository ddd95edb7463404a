"""Fixtures of the tests on a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from callcenter.core.db import Database
from tests.support.api import api_client


@pytest.fixture
async def client(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The HTTP API over this test's database."""
    async with api_client(database, tmp_path / "state") as client:
        yield client
