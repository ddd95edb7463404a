"""A hospital that may phone out."""

from pathlib import Path

import pytest

from callcenter.accounts.models import Role
from callcenter.core.db import Database
from tests.support.api import as_role
from tests.support.campaigns import given_line
from tests.support.campaigns_api import Headers
from tests.support.ledger_reading import LedgerFolder


@pytest.fixture(autouse=True)
async def line(database: Database) -> None:
    await given_line(database)


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return LedgerFolder(tmp_path)


@pytest.fixture
async def scheduler(database: Database) -> Headers:
    return await as_role(database, Role.SCHEDULER)
