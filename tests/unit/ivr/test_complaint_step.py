"""Whom a complaint is about: asked only when wanted, and never at the cost of the complaint."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext, Caller
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.services import simulated_services
from callcenter.ivr.steps.complaint import Complaint

PATIENT = "0190b1b2-0000-7000-8000-000000000001"
AT = datetime(2026, 1, 5, tzinfo=UTC)
PLAIN = Complaint.model_validate({"complaint": "true", "next": "person"})
ABOUT = Complaint.model_validate({"complaint": "true", "about": "last_agent", "next": "person"})
RECOGNISED = Caller(e164="+8613800000001", patient_id=PATIENT)


class LastAgent:
    def __init__(self, number: str | None) -> None:
        self._number = number
        self.asked: list[tuple[str | None, UUID | None, datetime]] = []

    async def find(self, e164: str | None, *, patient_id: UUID | None, since: datetime) -> str | None:
        self.asked.append((e164, patient_id, since))
        return self._number


class Away:
    async def find(self, e164: str | None, *, patient_id: UUID | None, since: datetime) -> str | None:
        raise DatabaseAway


async def complain(step: Complaint, caller: Caller, last_agents: LastAgent | Away) -> SimulatedLine:
    line = SimulatedLine("1", "+8613800000001", scripted(""), lambda _text: None, None)
    services = replace(simulated_services(), last_agents=last_agents)
    assert await step.run(CallContext(line, services, caller, lambda: AT)) == "next"
    return line


async def test_about_the_last_agent() -> None:
    last = LastAgent("1001")
    line = await complain(ABOUT, RECOGNISED, last)
    assert line.transcript == [
        f"ledger CC_COMPLAINT patient={PATIENT}",
        "set CC_AGAINST=1001",
        f"ledger CC_COMPLAINT patient={PATIENT}:agent=1001",
    ]
    assert line.variables[variables.AGAINST] == "1001"
    assert last.asked == [("+8613800000001", None, AT - timedelta(days=30))]


async def test_by_the_patient_only_when_verified() -> None:
    last = LastAgent("1001")
    await complain(ABOUT, replace(RECOGNISED, verified=True), last)
    assert last.asked[0][:2] == ("+8613800000001", UUID(PATIENT))


@pytest.mark.parametrize("last", [LastAgent(None), Away()])
async def test_without_an_agent_the_complaint_is_taken_all_the_same(last: LastAgent | Away) -> None:
    line = await complain(ABOUT, RECOGNISED, last)
    assert line.transcript == [f"ledger CC_COMPLAINT patient={PATIENT}"]


async def test_other_matters_ask_nothing() -> None:
    last = LastAgent("1001")
    line = await complain(PLAIN, RECOGNISED, last)
    assert line.transcript == [f"ledger CC_COMPLAINT patient={PATIENT}"]
    assert last.asked == []
