"""A caller, an agent's telephone that rings, and what is known of both: what the tests of the desk share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.models import Role
from callcenter.agents import service as agents
from callcenter.agents.models import Activity
from callcenter.core.audit import AuditEntry
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.ids import new_id
from callcenter.directory.models import Department, Doctor
from callcenter.patients.models import Appointment, Patient, PatientNumber, VipGrade, Visit
from callcenter.queues import queries as queue_queries
from callcenter.queues.models import Did
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import Ledger, table
from tests.support.people import asker, given_queue

CALL, OTHER_CALL = "pbx1-1.1", "pbx1-2.1"
CALLER, E164 = "13800000001", "+8613800000001"
Headers = dict[str, str]

TALKED = """
    0.1 CHAN_START   PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 exten=8000
    0.2 CC_CALL      PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 did=8000:caller=13800000001
    0.3 CC_FLOW      PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 flow=main:rev=1:lang=zh
    0.4 CC_WHO       PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 patient={patient}:grade={grade}:verified={verified}
    0.5 CC_STEP      PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 flow=main:step=who:outcome=known
    0.6 CC_STEP      PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 flow=menu:step=menu:outcome=2
    1.0 CC_QUEUE     PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 visit=1:queue=consultation:prio=1
    1|pbx1-1.1|consultation|NONE|ENTERQUEUE||13800000001|1
    3.0 CHAN_START   PJSIP/seat-rose-00000002 pbx1-1.2 pbx1-1.1 exten=s
    -- rings
    6.0 ANSWER       PJSIP/seat-rose-00000002 pbx1-1.2 pbx1-1.1
    6.0 BRIDGE_ENTER PJSIP/trunk-00000001     pbx1-1.1 pbx1-1.1 {{"bridge_id":"b1"}}
    6.0 BRIDGE_ENTER PJSIP/seat-rose-00000002 pbx1-1.2 pbx1-1.1 {{"bridge_id":"b1"}}
    6|pbx1-1.1|consultation|agent-1001|CONNECT|5|pbx1-1.2|3
    9.0 BRIDGE_EXIT  PJSIP/seat-rose-00000002 pbx1-1.2 pbx1-1.1 {{"bridge_id":"b1"}}
    9.0 BRIDGE_EXIT  PJSIP/trunk-00000001     pbx1-1.1 pbx1-1.1 {{"bridge_id":"b1"}}
    9.0 HANGUP       PJSIP/seat-rose-00000002 pbx1-1.2 pbx1-1.1 {{"hangupcause":16}}
    9.1 HANGUP       PJSIP/trunk-00000001     pbx1-1.1 pbx1-1.1 {{"hangupcause":16}}
    9.1 LINKEDID_END PJSIP/trunk-00000001     pbx1-1.1 pbx1-1.1
"""


def ledger(
    *, patient: UUID | None = None, grade: str = "", verified: bool = False, only_ringing: bool = False
) -> Ledger:
    """A call of ``CALLER`` to the hotline that agent 1001 takes; ``only_ringing``: its lines up to there."""
    text = TALKED.format(patient=patient or "", grade=grade, verified=int(verified))
    ringing, talked = text.split("-- rings")
    return table(ringing if only_ringing else ringing + talked)


@dataclass(slots=True)
class Desk:
    """The API, asked by agent 1001 (``li_na``) and others."""

    client: httpx.AsyncClient
    database: Database
    folder: LedgerFolder
    li_na: Headers

    async def read(self, lines: Ledger) -> None:
        """The ledger's reader gets these lines."""
        self.folder.append(lines)
        await read_all(self.folder, self.database)

    async def rings(self, call_id: str = CALL, *, number: str = "1001", waiting: bool = True) -> None:
        """The live events have said so; the ledger was not read yet."""
        await self.does(Activity.RINGING, call_id, number=number)
        if waiting:
            async with self.database.transaction() as session:
                caller = {
                    "uniqueid": call_id,
                    "queue_name": "consultation",
                    "pbx": "pbx1",
                    "caller_number": CALLER,
                    "priority": 1,
                    "joined_at": now() - timedelta(seconds=30),
                }
                await queue_queries.put_waiting(session, [caller])

    async def does(
        self, activity: Activity, call_id: str | None = None, *, number: str = "1001", wrap_up_seconds: int = 0
    ) -> None:
        async with self.database.transaction() as session:
            agent = await agents.get_agent(session, number, lock=True)
            await agents.record_activity(session, agent, activity, call_id=call_id, wrap_up_seconds=wrap_up_seconds)

    async def ask(
        self, method: str, path: str, body: Any = None, *, by: Headers | None = None, call: str = CALL
    ) -> httpx.Response:
        """``path`` below the call's own."""
        sent = {"json": body} if body is not None else {}
        url = f"/api/v1/agents/me/calls/{call}/{path}"
        return await self.client.request(method, url, headers=by or self.li_na, **sent)

    async def pop(self, *, by: Headers | None = None, call: str = CALL) -> dict[str, Any]:
        answer = await self.ask("GET", "pop", by=by, call=call)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def audited(self, *actions: str) -> list[AuditEntry]:
        async with self.database.transaction() as session:
            query = select(AuditEntry).where(AuditEntry.action.in_(actions)).order_by(AuditEntry.id)
            return list(await session.scalars(query))


async def given_desk(client: httpx.AsyncClient, database: Database, folder: Path) -> Desk:
    """A queue, a number, agents 1001 (at seat-rose) and 1002; nobody's telephone rings."""
    async with database.transaction() as session:
        for name, label in (("consultation", "咨询"), ("complaint", "投诉")):
            await given_queue(session, name, label_zh=label, wrap_up_seconds=20)
        session.add(Did(number="8000", label_zh="热线", label_en="Hotline", fallback_queue="consultation"))
        session.add(
            VipGrade(code="gold", label_zh="金卡", label_en="Gold", head_start_seconds=600, benefits=["advice"])
        )
    li_na = await asker(database, Role.AGENT, agent="1001", queues=("consultation",))
    return Desk(client, database, LedgerFolder(folder), li_na)


async def given_patient(
    session: AsyncSession,
    name: str = "欧阳明",
    *,
    numbers: Sequence[str] = (E164,),
    relation: str = "self",
    **values: Any,
) -> UUID:
    """With a visit, an appointment and a responsible doctor."""
    at = datetime(2026, 1, 1, tzinfo=now().tzinfo)
    tag = new_id().hex
    department = Department(code=f"dep{tag}", name_zh="心内科", name_en="Cardiology")
    session.add(department)
    await session.flush()
    doctor = Doctor(
        code=f"doc{tag}", name_zh="周建国", name_en="Zhou", title_zh="", title_en="", department_id=department.id
    )
    session.add(doctor)
    await session.flush()
    patient = Patient(
        **(
            {
                "external_id": f"P{tag}",
                "name": name,
                "sex": "female",
                "birth_date": date(1950, 6, 1),
                "responsible_doctor_id": doctor.id,
                "created_at": at,
                "updated_at": at,
            }
            | values
        )
    )
    session.add(patient)
    await session.flush()
    session.add_all(PatientNumber(e164=one, patient_id=patient.id, relation=relation) for one in numbers)
    of = {"patient_id": patient.id, "department_id": department.id, "doctor_id": doctor.id}
    session.add(Visit(**of, external_id=f"V{tag}", kind="outpatient", visited_at=at, summary="高血压复诊"))
    session.add(
        Appointment(**of, external_id=f"A{tag}", booked_at=at, starts_at=at + timedelta(days=30), status="booked")
    )
    await session.flush()
    return patient.id
