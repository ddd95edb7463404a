"""Revisions in PostgreSQL: any ivr process goes on with a call parked on an old one; refusals raise an alarm."""

import asyncio
from pathlib import Path

from sqlalchemy import select

from callcenter.core.alarms import Alarm
from callcenter.core.db import Database
from callcenter.ivr.catalogue import Catalogue
from callcenter.ivr.models import FlowRevision
from callcenter.ivr.revisions import RevisionStore
from tests.support.flows import PROMPTS_DIR, flow_set
from tests.support.ports import free_port

FLOW = "# 注释\nstart: a\nsteps:\n  a: {goto_flow: g}\n"
SUB_FLOW = "start: a\nsteps:\n  a: {hangup: true}\n"


async def test_another_process_finds_what_one_has_kept(database: Database) -> None:
    flows = flow_set(f=FLOW, g=SUB_FLOW)
    one = RevisionStore(database)
    one.keep(flows)
    one.keep(flows)
    one.save_soon()
    await one.saved()
    again = RevisionStore(database)
    again.keep(flows)  # the same revision, seen by another process: one row
    again.save_soon()
    await again.saved()

    found = await RevisionStore(database).find("f", flows.flows["f"].revision)
    assert found == flows.closure("f")
    assert await RevisionStore(database).find("f", "000000000000") is None
    async with database.transaction() as session:
        rows = (await session.scalars(select(FlowRevision.flow).order_by(FlowRevision.flow))).all()
    assert rows == ["f", "g"]


async def test_a_revision_that_this_version_does_not_understand_is_not_found(database: Database) -> None:
    store = RevisionStore(database)
    flows = flow_set(g=SUB_FLOW)
    store.keep(flows)
    store.save_soon()
    await store.saved()
    async with database.transaction() as session:
        row = await session.scalar(select(FlowRevision))
        assert row is not None
        row.content = row.content.replace("hangup", "hang_up")
    assert await RevisionStore(database).find("g", flows.flows["g"].revision) is None


async def test_while_the_database_is_away_memory_serves_and_it_is_saved_later(database: Database) -> None:
    away = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/none")
    flows = flow_set(g=SUB_FLOW)
    revision = flows.flows["g"].revision
    store = RevisionStore(away)
    store.keep(flows)
    store.save_soon()
    await store.saved()
    assert await store.find("g", revision) is not None
    assert await store.find("g", "000000000000") is None

    store._database = database  # it is back
    store.save_soon()
    await store.saved()
    assert await RevisionStore(database).find("g", revision) is not None
    await away.close()


async def test_a_refused_flow_raises_an_alarm(database: Database, tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("flow: f\nstart: a\nsteps:\n  a: {say: nothing_known, next: b}\n")
    catalogue = Catalogue(tmp_path, PROMPTS_DIR, revisions=RevisionStore(database), database=database)
    await catalogue.current()
    alarm = None
    async with asyncio.timeout(20):
        while alarm is None:
            async with database.transaction() as session:
                alarm = await session.scalar(select(Alarm))
    assert (alarm.kind, alarm.key) == ("flow_refused", "f.yaml")
    assert alarm.details["problems"][0].startswith("f.yaml:4: ")
