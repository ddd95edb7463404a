"""Fixtures of the tests on a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from callcenter.core.db import Database
from callcenter.ivr import limits
from tests.support.api import api_client


@pytest.fixture(autouse=True)
def patient_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that runs tests may stand still for a second, which is as long as a caller waits for a query.

    That it is no longer is shown by tests/unit/ivr/test_limits.py, and by tests/e2e/faults.
    """
    monkeypatch.setattr(limits, "QUERY_LIMIT_SECONDS", 30.0)


@pytest.fixture
async def client(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The HTTP API over this test's database."""
    async with api_client(database, tmp_path / "state") as client:
        yield client
