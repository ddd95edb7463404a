"""What agents wrote goes with its time, and no sooner."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from callcenter.agents.models import Activity
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.desk.models import CallDisposition, CallNote, CallPatient, CallReveal
from callcenter.retention import keep_to_retention
from tests.db.desk.scene import CALL, Desk, given_patient

WRITTEN = (CallNote, CallDisposition, CallPatient, CallReveal)


async def test_what_agents_wrote_goes_with_its_time(desk: Desk, tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    async with desk.database.transaction() as session:
        patient_id = await given_patient(session)
        answers = {"queue_name": "consultation", "form_version": 1, "answers": {}, "saved_by": "x"}
        session.add(CallDisposition(call_id=CALL, agent_number="1001", saved_at=now(), **answers))
    await desk.does(Activity.ON_CALL, CALL)
    await desk.ask("PUT", "note", {"text": "x", "version": 0})
    await desk.ask("POST", "patient", {"patient_id": str(patient_id)})
    await desk.ask("POST", "reveal", {"patient_id": str(patient_id), "reason": "emergency"})

    async def counts() -> list[int]:
        async with desk.database.transaction() as session:
            return [await session.scalar(select(func.count()).select_from(model)) or 0 for model in WRITTEN]

    await keep_to_retention(desk.database, settings, now())
    assert await counts() == [1, 1, 1, 1]
    await keep_to_retention(desk.database, settings, now() + timedelta(days=settings.call_retention_days + 1))
    assert await counts() == [0, 0, 0, 0]
