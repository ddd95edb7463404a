"""HTTP of what supervisors do with calls: listen, take over, hang up, move. Each is audited."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.agents import service as agents
from callcenter.agents.schemas import AgentNumber
from callcenter.asterisk.commands import Command, request_command
from callcenter.asterisk.models import PbxCommand
from callcenter.asterisk.supervisor_commands import EndCall
from callcenter.calls.schemas import CallId
from callcenter.core.audit import record_audit
from callcenter.core.http import DbSession
from callcenter.core.problems import problem_responses
from callcenter.queues import service as queues
from callcenter.supervision import listening, targets, waiting_callers
from callcenter.supervision.action_schemas import (
    CommandAccepted,
    CommandResponse,
    ListeningPut,
    MoveTo,
    SeatOfSupervisor,
)
from callcenter.supervision.errors import CommandNotFound

router = APIRouter(tags=["supervision"], responses=problem_responses(401, 403, 404, 409))

Lead = Annotated[Access, Depends(require(Role.SUPERVISOR))]
Number = Annotated[AgentNumber, Path(examples=["1001"])]
Uniqueid = Annotated[str, Path(pattern=r"^[a-z][a-z0-9]{0,15}-[a-z0-9.-]{1,60}$", examples=["pbx1-1763754631.12"])]


def _pbx(request: Request) -> str:
    return str(request.app.state.settings.pbx_name)


Pbx = Annotated[str, Depends(_pbx)]


@router.put("/supervision/agents/{number}/listening", status_code=202)
async def put_listening(
    number: Number, body: ListeningPut, access: Lead, session: DbSession, pbx: Pbx
) -> CommandAccepted:
    """Listen to an agent's conversation, whisper to the agent, or barge in: your telephone rings.

    Asked again it changes the mode; so do keys 4, 5 and 6 of the telephone. It ends with the conversation.
    """
    agent = await agents.get_agent(session, number, lock=True)
    call = await targets.get_conversation(session, access, agent)
    seat = await targets.get_own_seat(session, access, body.seat)
    commands = await listening.listen(session, access, agent, call, body.mode, seat=seat, pbx=pbx)
    record_audit(
        session,
        access.actor,
        "supervision.listen",
        subject_id=call.call_id,
        agent=number,
        mode=body.mode.value,
        seat=seat,
        queue=call.queue,
    )
    return await _request(session, pbx, commands, access)


@router.delete("/supervision/listening", status_code=202)
async def stop_listening(access: Lead, session: DbSession, pbx: Pbx) -> CommandAccepted:
    """Your telephone is hung up."""
    commands = await listening.stop(session, access)
    record_audit(session, access.actor, "supervision.stop_listening")
    return await _request(session, pbx, commands, access)


@router.post("/supervision/agents/{number}/take-over", status_code=202)
async def take_over(
    number: Number, body: SeatOfSupervisor, access: Lead, session: DbSession, pbx: Pbx
) -> CommandAccepted:
    """The caller leaves the agent and talks with you: at once if you listen, else your telephone rings.

    If you do not answer, the caller goes back to the agent, or waits again at the old place.
    """
    agent = await agents.get_agent(session, number, lock=True)
    call = await targets.get_conversation(session, access, agent)
    seat = await targets.get_own_seat(session, access, body.seat)
    command = await listening.take_over(session, access, agent, call, seat=seat)
    record_audit(
        session, access.actor, "supervision.take_over", subject_id=call.call_id, agent=number, queue=call.queue
    )
    return await _request(session, pbx, [command], access)


@router.post("/supervision/calls/{call_id}/hang-up", status_code=202)
async def hang_up(call_id: CallId, access: Lead, session: DbSession, pbx: Pbx) -> CommandAccepted:
    """End a call for all who are in it, wherever it is."""
    call = await targets.get_open_call(session, access, call_id)
    linkedids = await targets.list_linkedids(session, call.id)
    record_audit(session, access.actor, "supervision.hang_up", subject_id=call.id, queue=call.queue_name)
    return await _request(session, pbx, [EndCall(linkedids=tuple(linkedids[:20]))], access)


@router.post("/supervision/waiting/{uniqueid}/move", status_code=202)
async def move_waiting(uniqueid: Uniqueid, body: MoveTo, access: Lead, session: DbSession, pbx: Pbx) -> CommandAccepted:
    """A waiting caller goes to another queue, at the same place by the time of arrival; their stay ends as `moved`."""
    targets.require_queue(access, body.queue)
    caller = await targets.get_waiting(session, access, uniqueid)
    queue = await queues.get_queue(session, body.queue)
    command = waiting_callers.move(caller, queue)
    call = await targets.find_call(session, uniqueid)
    await waiting_callers.require_not_offered_to_complained(session, call, queue)
    record_audit(session, access.actor, "supervision.move", subject_id=uniqueid, queue=caller.queue_name, to=queue.name)
    return await _request(session, pbx, [command], access)


@router.post("/supervision/waiting/{uniqueid}/front", status_code=202)
async def bring_to_front(uniqueid: Uniqueid, access: Lead, session: DbSession, pbx: Pbx) -> CommandAccepted:
    """A waiting caller is served next of their queue."""
    caller = await targets.get_waiting(session, access, uniqueid)
    command = await waiting_callers.bring_to_front(session, caller)
    record_audit(session, access.actor, "supervision.to_front", subject_id=uniqueid, queue=caller.queue_name)
    return await _request(session, pbx, [command], access)


@router.get("/supervision/commands/{command_id}")
async def get_command(
    command_id: Annotated[int, Path(ge=1, le=2**63 - 1)], access: Lead, session: DbSession
) -> CommandResponse:
    """What came of something you asked for."""
    command = await session.get(PbxCommand, command_id)
    if command is None or command.cause != access.actor.name:
        raise CommandNotFound(command_id=command_id)
    return CommandResponse.model_validate(command)


async def _request(session: AsyncSession, pbx: str, commands: Sequence[Command], access: Access) -> CommandAccepted:
    """All of them, in order; what is told about is the last."""
    rows = [await request_command(session, pbx, command, cause=access.actor.name) for command in commands]
    await session.flush()
    return CommandAccepted(command_id=rows[-1].id)
