"""A reminder: busy at first, called again, confirms; the appointment says so."""

from datetime import timedelta

from sqlalchemy import select

from callcenter.core.clock import now
from callcenter.patients.models import Appointment, Patient
from demo.hospital import PATIENTS
from demo.sip_scenarios import Press, StayUntilHangUp, Wait
from tests.e2e.campaigns.scheduler import Campaigns
from tests.e2e.hotline import Hotline


async def test_busy_then_called_again_and_confirmed(hotline: Hotline, campaigns: Campaigns) -> None:
    await hotline.stack.start_service()
    patient = PATIENTS[0]
    async with hotline.database.transaction() as session:
        of = (await session.scalars(select(Patient).where(Patient.name == patient.name))).one().id
        appointment = Appointment(
            external_id="A1", patient_id=of, booked_at=now(), starts_at=now() + timedelta(days=1), status="booked"
        )
        session.add(appointment)
        await session.flush()
        appointment_id = appointment.id
    campaign = await campaigns.given()
    await campaigns.add(campaign, patient, patient_id=str(of), appointment_id=str(appointment_id))
    trunk = hotline.settings.trunk_port
    busy = await hotline.phones.answer_at_trunk(trunk, [], refuse=486)
    await campaigns.becomes(campaign, "running")
    await busy.done(60)
    contact = await campaigns.after(campaign, patient.number, 1)
    (first,) = contact["attempts_made"]
    assert (first["outcome"], first["hangup_cause"], contact["reason"]) == ("busy", 17, "busy")
    assert (contact["state"], contact["next_channel"]) == ("waiting", "telephone")

    answers = await hotline.phones.answer_at_trunk(
        trunk,
        [Wait(6), Press("1"), Wait(6), Press("1"), StayUntilHangUp(60)],
        ring_seconds=0.5,
    )
    await campaigns.is_due(campaign, patient.number)
    await answers.done(60)
    contact = await campaigns.after(campaign, patient.number, 2)
    assert [one["outcome"] for one in contact["attempts_made"]] == ["busy", "completed"]
    assert (contact["state"], contact["result"], contact["status"]) == ("finished", "reached", "completed")
    assert [(one["decision"], one["reason"]) for one in contact["decisions"]] == [
        ("called", "due"),
        ("waits", "busy"),
        ("called", "due"),
        ("finished", "completed"),
    ]
    async with hotline.database.transaction() as session:
        assert (await session.get_one(Appointment, appointment_id)).status == "confirmed"
    call = await hotline.finished_call(patient.e164)
    assert (call.direction, call.flow) == ("outbound", "campaign_reminder")
