"""The figures of a hotline with agents, callers, calls and alarms; and none of a process that leads no more."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY

from callcenter.asterisk.commands import Render, request_command
from callcenter.core.alarms import raise_alarm
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.hotline_metrics import HotlineMetrics
from callcenter.queues.models import WaitingCaller
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import T0_EPOCH, scenario
from tests.support.people import given_agent, given_queue

PBX = "pbx1"


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


@pytest.fixture
async def metrics(database: Database) -> HotlineMetrics:
    async with database.transaction() as session:
        await given_queue(session, "quiet")
        await given_queue(session, "busy")
        await given_agent(session, "1001")
        for number, seconds in ((1, 30), (2, 90)):
            session.add(
                WaitingCaller(
                    uniqueid=f"{PBX}-1.{number}",
                    queue_name="busy",
                    pbx=PBX,
                    caller_number="+8613800000001",
                    priority=number,
                    joined_at=now() - timedelta(seconds=seconds),
                )
            )
        await raise_alarm(session, "node_lost", key="a", severity="critical")
        await request_command(session, PBX, Render(), cause="test")
    return HotlineMetrics(database, PBX)


async def test_what_stands_in_the_database_is_counted(metrics: HotlineMetrics) -> None:
    await metrics.refresh()
    assert value("callcenter_engine_active", pbx=PBX) == 1
    assert value("callcenter_queue_waiting_callers", queue="busy") == 2
    assert (value("callcenter_queue_longest_wait_seconds", queue="busy") or 0) >= 90
    assert value("callcenter_queue_waiting_callers", queue="quiet") == 0
    assert value("callcenter_queue_longest_wait_seconds", queue="quiet") == 0
    assert value("callcenter_agents", state="logged_out") == 1
    assert value("callcenter_agents", state="on_call") == 0
    assert value("callcenter_alarms_open", severity="critical", kind="node_lost") == 1
    assert value("callcenter_pbx_commands_last_hour", state="pending") == 1
    assert value("callcenter_calls_last_hour", outcome="answered") == 0


async def test_calls_are_counted_by_outcome(metrics: HotlineMetrics, database: Database, tmp_path: Path) -> None:
    folder = LedgerFolder(tmp_path)
    folder.append(scenario("agent_hangs_up", start=int(now().timestamp()) - T0_EPOCH - 60))
    await read_all(folder, database)
    await metrics.refresh()
    assert value("callcenter_calls_last_hour", outcome="answered") == 1


async def test_who_leads_no_more_shows_none_and_nobody_is_named(
    metrics: HotlineMetrics, client: httpx.AsyncClient
) -> None:
    await metrics.refresh()
    shown = (await client.get("/metrics")).text
    assert 'callcenter_queue_waiting_callers{queue="busy"} 2.0' in shown
    assert "13800000001" not in shown
    metrics.clear()
    assert 'queue="busy"' not in (await client.get("/metrics")).text
    assert value("callcenter_engine_active", pbx=PBX) is None
