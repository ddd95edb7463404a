"""A caller's number is outside input: whatever stands in it, the ledger stays readable and nobody else rings."""

from sqlalchemy import func, select

from callcenter.calls.models import LedgerQuarantine
from demo.hospital import HOTLINE
from demo.sip_scenarios import HangUp, Wait
from tests.e2e.hotline import Hotline

HOSTILE = (
    "138%5C",
    "138%22%2C%22x",
    "%26PJSIP%2Fseat-rose",
    "13800000001%0D%0AEvent%3A%20Hangup",
    "%24%7BSHELL(id)%7D",
    "anonymous",
    "1" * 200,
)


async def test_hostile_numbers_leave_a_readable_ledger_and_ring_nobody(hotline: Hotline) -> None:
    await hotline.stack.start_service()
    seat = await hotline.phones.plug_in("seat-rose", hotline.seat_passwords["seat-rose"], [Wait(1), HangUp()])
    callers = [await hotline.phones.call(number, HOTLINE, [Wait(2), HangUp()], name=number[:40]) for number in HOSTILE]
    for caller in callers:
        await caller.done(30)
    await hotline.no_calls_left()

    calls = await hotline.all_finished(len(HOSTILE))
    assert {call.outcome for call in calls} == {"self_service"}
    # what is left after the filter is a number only where a real one was
    assert {call.caller_number for call in calls} <= {None, "+8613800000001"}
    async with hotline.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(LedgerQuarantine)) == 0
    assert "INVITE sip:" not in seat.trace(), "the seat was rung"
    log = (hotline.settings.pbx_dir / "log" / "messages.log").read_text()
    assert "SHELL" not in log.replace("func_shell", "")
