"""Which events are wanted at all; what becomes of them: tests/db/asterisk/test_event_consumer.py."""

import pytest
from structlog.testing import capture_logs

from callcenter.alarms.handlers import LoginGuesses
from callcenter.asterisk import events
from callcenter.asterisk.consumer import EventConsumer
from callcenter.asterisk.events import QueueCallerJoin
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan
from callcenter.desk.handlers import DeskEvents
from callcenter.queues import handlers as queue_handlers
from callcenter.supervision import handlers as supervision_handlers

NOWHERE = Database("postgresql+asyncpg://nobody@127.0.0.1/nothing")


async def never(_event: object, _session: object) -> None:
    raise AssertionError


def test_asterisk_is_asked_for_exactly_what_a_handler_wants() -> None:
    """manager.conf's eventfilter is rendered from SUBSCRIBED."""
    wanted = {
        **queue_handlers.HANDLERS,
        **DeskEvents(NumberPlan()).handlers,
        **LoginGuesses().handlers,
        **supervision_handlers.HANDLERS,
    }
    assert set(events.SUBSCRIBED) == {name for name, kind in events.EVENT_CLASSES.items() if kind in wanted}
    assert {events.EVENT_CLASSES[name] for name in events.SUBSCRIBED} == wanted.keys()


@pytest.mark.parametrize(
    "headers",
    [
        {"Event": "QueueCallerJoin"},
        {"Event": "QueueCallerJoin", "Queue": "vip", "Uniqueid": "", "Linkedid": "x"},
        {"Event": "QueueCallerJoin", "Queue": "vip", "Uniqueid": "x", "Linkedid": "x", "Position": "13800000001"},
    ],
)
async def test_an_event_that_cannot_be_read_is_told_without_its_values(headers: dict[str, str]) -> None:
    consumer = EventConsumer(NOWHERE, {QueueCallerJoin: never}, lambda: None)
    with capture_logs() as logs:
        consumer.put(headers | {"CallerIDNum": "+8613800000001x", "Position": "1x"})
    assert [log["event"] for log in logs] == ["event_malformed"]
    assert "138" not in str(logs)


@pytest.mark.parametrize("kind", ["QueueCallerLeave", "NoSuchEvent", ""])
async def test_what_nobody_wants_is_left_out_silently(kind: str) -> None:
    consumer = EventConsumer(NOWHERE, {QueueCallerJoin: never}, lambda: None)
    with capture_logs() as logs:
        consumer.put({"Event": kind, "Queue": "vip", "Uniqueid": "x", "Linkedid": "x"})
    assert logs == []
