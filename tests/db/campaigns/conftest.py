"""A hospital that may phone out."""

from pathlib import Path

import pytest

from callcenter.core.db import Database
from tests.support.campaigns import given_line
from tests.support.ledger_reading import LedgerFolder


@pytest.fixture(autouse=True)
async def line(database: Database) -> None:
    await given_line(database)


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return LedgerFolder(tmp_path)
