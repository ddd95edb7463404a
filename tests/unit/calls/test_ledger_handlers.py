"""Several domains may wait for the same kind of event."""

from collections.abc import Awaitable

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.ledger import CelRecord
from callcenter.callbacks import handlers as callbacks
from callcenter.calls.service import by_kind
from callcenter.campaigns import handlers as campaigns
from callcenter.engine import LEDGER_HANDLERS


def one(event: CelRecord, session: AsyncSession) -> Awaitable[None] | None:
    return None


def other(event: CelRecord, session: AsyncSession) -> Awaitable[None] | None:
    return None


def test_each_kind_with_all_who_wait_for_it_in_order() -> None:
    assert by_kind({"A": one, "B": one}, {"B": other, "C": other}) == {"A": (one,), "B": (one, other), "C": (other,)}
    assert by_kind() == {}


def test_the_engine_tells_call_backs_and_campaigns_of_the_end_of_a_call() -> None:
    told = LEDGER_HANDLERS.on_event["LINKEDID_END"]
    assert {callbacks.EVENT_HANDLERS["LINKEDID_END"], campaigns.EVENT_HANDLERS["LINKEDID_END"]} <= set(told)
