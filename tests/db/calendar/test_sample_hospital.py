"""The demo runs at any hour of any day: its queues are always open."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from callcenter.calendar.public_days import Place
from callcenter.calendar.service import get_opening
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.queues.models import Queue
from demo import hospital


@pytest.mark.parametrize(
    ("at", "office"),
    [("2026-10-01T03:00", "holiday"), ("2026-10-17T03:00", "open"), ("2026-10-17T10:00", "outside_hours")],
)
async def test_open_at_any_hour(database: Database, tmp_path: Path, at: str, office: str) -> None:
    place = Place.of(Settings(state_dir=tmp_path))
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    async with database.transaction() as session:
        await hospital.load(session, code_key="key", admin_password="a-password", agent_password="a-password")
        schedules = set(await session.scalars(select(Queue.schedule_name)))
        assert None not in schedules
        for name in schedules:
            assert (await get_opening(session, str(name), moment, place=place)).state == "open"
        assert (await get_opening(session, "office", moment, place=place)).state == office
