"""The service is away and nobody is there: the caller is held, in one visit, until somebody logs in."""

from callcenter.roles import ProcessRole
from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, agent

PATIENT = PATIENTS[0]


async def test_nobody_there_and_no_service(hotline: Hotline) -> None:
    await hotline.stack.start_service([ProcessRole.API, ProcessRole.ENGINE])
    caller = await hotline.call(PATIENT, HOTLINE, [StayUntilHangUp(90)])

    async def is_held() -> bool:
        ledger = hotline.settings.ledger_file
        return ledger.exists() and ledger.read_text().count('"exten":"hold"') >= 2

    await until("the caller hears music for the second time", is_held, timeout_seconds=40)
    await hotline.agent_sits_down(agent("1001"), [Wait(1), HangUp()])
    await caller.done(90)
    (visit,) = await hotline.visits(await hotline.finished_call(PATIENT.e164))
    assert (visit.queue_name, visit.outcome, visit.agent_number) == ("consultation", "answered", "1001")
    assert visit.wait_seconds > 5
