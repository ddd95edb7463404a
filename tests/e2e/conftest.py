"""Every e2e scenario runs an installation of its own: database, ports, PBX directory, processes."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from callcenter.core.config import Settings
from callcenter.core.db import Database
from demo.stack import private_settings
from tests.e2e.hotline import Hotline
from tests.support.ports import SLOT

SECONDS_FILE = Path(__file__).with_name("seconds.txt")
"""What the longer scenarios took; anew by ``pytest tests/e2e --durations=0``. It orders them and decides nothing."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest first: no worker begins a long one when the others have ended."""
    lines = (line.split(maxsplit=1) for line in SECONDS_FILE.read_text().splitlines())
    seconds = {scenario: float(taken) for taken, scenario in lines}
    folder = f"{Path(__file__).parent.relative_to(items[0].config.rootpath)}/" if items else ""
    items.sort(key=lambda item: -seconds.get(item.nodeid.removeprefix(folder), 0.0))


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a private installation; its directory goes at the end."""
    for name in [name for name in os.environ if name.startswith("CALLCENTER_") and name != "CALLCENTER_CACHE_DIR"]:
        if "TEST" not in name:
            monkeypatch.delenv(name)
    # not under pytest's own deep folder: sockets have short paths, and the database's user must get in
    directory = Path(tempfile.mkdtemp(prefix="cc-e2e-"))
    try:
        yield private_settings(directory, slot=SLOT)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
async def hotline(
    settings: Settings, database_url: str, database: Database, request: pytest.FixtureRequest
) -> AsyncIterator[Hotline]:
    """The sample hospital on a running PBX; no service process yet, no telephone yet."""
    async with Hotline(settings, database_url, database) as hotline:
        yield hotline
        if request.node.stash.get(FAILED, False):
            print(hotline.evidence())
        assert hotline.missing_in_asterisk() == []


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Remember that a scenario failed, so that its fixture can say what its processes wrote."""
    report = yield
    if report.when == "call" and report.failed:
        item.stash[FAILED] = True
    return report
