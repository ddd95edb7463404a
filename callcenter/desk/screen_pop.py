"""What an agent sees of a caller as the telephone rings: put together from what is known at this moment.

Of a patient whom nobody has verified only what names nobody and tells nothing of their health: initials, VIP grade,
how much there is and when (desk.reveals says when more is shown).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Agent
from callcenter.calls.models import Call
from callcenter.campaigns import called_by_agents
from callcenter.campaigns.called_by_agents import Called
from callcenter.core.audit import Actor, record_audit
from callcenter.desk import dispositions, record_queries, reveals
from callcenter.desk.models import CallDisposition, CallNote, DispositionForm
from callcenter.desk.own_calls import OwnCall, Stage
from callcenter.desk.reveals import Reason, Shown
from callcenter.patients import queries as patient_queries
from callcenter.patients import service as patients
from callcenter.patients.service import PatientRecord
from callcenter.queues.models import Queue
from callcenter.workorders import queries as work_order_queries
from callcenter.workorders.models import WorkOrder
from callcenter.workorders.queries import WorkOrderScope

MOST_CALLS = 10
MOST_WORK_ORDERS = 20


@dataclass(frozen=True, slots=True)
class PreviousCall:
    call: Call
    note: CallNote | None
    dispositions: Sequence[CallDisposition]


@dataclass(frozen=True, slots=True)
class ScreenPop:
    """``record`` None: nobody is chosen, or nobody known. ``wait_seconds``: until the answer; None: in no queue."""

    call: OwnCall
    queue: Queue | None
    wait_seconds: float | None
    shown: Shown
    relations: Mapping[UUID, str]
    record: PatientRecord | None
    work_orders: Sequence[WorkOrder]
    previous_calls: Sequence[PreviousCall]
    note: CallNote | None
    disposition: CallDisposition | None
    form: DispositionForm | None
    reasons: Sequence[Reason]
    called: Called | None
    """Whom a campaign of ours called, and what is to be said."""

    @property
    def shows_details(self) -> bool:
        """Whether what was written on earlier calls may be read: of a stranger, or of a patient who is revealed."""
        return self.shown.is_revealed if self.shown.patient_id else not self.shown.identity.patients


async def get_pop(
    session: AsyncSession, actor: Actor, agent: Agent, call: OwnCall, *, scope: WorkOrderScope, at: datetime
) -> ScreenPop:
    """Each patient who is named by it counts as looked at by the actor."""
    shown = await reveals.get_shown(session, agent, call)
    record = None
    if shown.patient_id is not None:
        record = await patients.get_record(
            session, actor, shown.patient_id, subject_id=call.id, revealed=shown.is_revealed
        )
    for one in shown.identity.patients:
        if one.id != shown.patient_id:
            record_audit(session, actor, "patients.list", subject_id=call.id, patient_id=one.id)
    queue_name = call.stay.queue_name if call.stay else None
    called = await called_by_agents.find_called(session, call.ids)
    if called is not None:
        record_audit(session, actor, "campaigns.show_contact", subject_id=call.id, contact_id=called.contact_id)
    own = [one for one in await record_queries.list_dispositions(session, call.ids) if one.agent_number == agent.number]
    return ScreenPop(
        call=call,
        queue=await session.get(Queue, queue_name) if queue_name else None,
        wait_seconds=wait_of(call, at),
        shown=shown,
        relations=await patient_queries.relations_of(session, call.caller_number) if call.caller_number else {},
        record=record,
        work_orders=await work_order_queries.list_open_about(
            session, scope, patient_id=shown.patient_id, call_ids=call.ids, limit=MOST_WORK_ORDERS
        ),
        previous_calls=await _previous_calls(session, agent, call, shown),
        note=await record_queries.find_note(session, call.ids),
        disposition=own[-1] if own else None,
        form=await dispositions.find_form_of_call(session, agent, call),
        reasons=[reason for reason in await reveals.list_reasons(session) if reason.active],
        called=called,
    )


def wait_of(call: OwnCall, at: datetime) -> float | None:
    """How long the caller has waited, or did."""
    if call.stay is None:
        return None
    if call.stay.wait_seconds is not None:
        return call.stay.wait_seconds
    return max(0.0, (at - call.stay.entered_at).total_seconds()) if call.stage is not Stage.ENDED else None


async def _previous_calls(session: AsyncSession, agent: Agent, call: OwnCall, shown: Shown) -> Sequence[PreviousCall]:
    """Of the patient; of the number, while it is nobody's."""
    calls: Sequence[Call] = ()
    number, without = agent.number, call.ids
    if shown.patient_id is not None:
        calls = await record_queries.list_calls_of_patient(
            session, shown.patient_id, agent_number=number, without=without, limit=MOST_CALLS
        )
    elif call.caller_number is not None and not shown.identity.patients:
        calls = await record_queries.list_calls_of_number(
            session, call.caller_number, agent_number=number, without=without, limit=MOST_CALLS
        )
    ids = [one.id for one in calls]
    notes = await record_queries.notes_of(session, ids)
    given = await record_queries.dispositions_of(session, ids)
    return [PreviousCall(one, notes.get(one.id), given.get(one.id, ())) for one in calls]
