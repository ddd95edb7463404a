"""HTTP of an agent's calls: ``/agents/me/calls`` and ``/agents/me/call``.

Each answers 202 once the wish is committed; the engine carries it out, and the desk is told what came of it by the
message ``command`` (docs/agent-api.md).
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from callcenter.agents import service as agents
from callcenter.asterisk.call_commands import (
    CallCommand,
    CancelTransfer,
    CompleteTransfer,
    ConsultCall,
    HangUpCall,
    HoldCall,
    JoinCalls,
    MuteCall,
    PauseRecording,
    PressKeys,
    TransferCall,
    UnholdCall,
)
from callcenter.asterisk.models import PbxCommand
from callcenter.callouts.policy import Home
from callcenter.core.audit import record_audit
from callcenter.core.http import DbSession, get_database, open_transaction
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.problems import problem_responses
from callcenter.desk import call_control
from callcenter.desk.call_control import Asker, Target
from callcenter.desk.call_errors import NumberNotDialled
from callcenter.desk.call_schemas import CommandAccepted, DialAccepted, KeysBody, TargetBody
from callcenter.desk.routes import AgentAccess, OwnAgent

router = APIRouter(tags=["desk"], responses=problem_responses(401, 403, 404, 409))


async def _asker(agent: OwnAgent, access: AgentAccess, session: DbSession, request: Request) -> Asker:
    """The agent, locked: two commands of one agent follow one another."""
    locked = await agents.get_agent(session, agent.number, lock=True)
    return Asker(locked, access.actor.name, request.app.state.settings.pbx_name)


OwnAsker = Annotated[Asker, Depends(_asker)]


@router.post("/agents/me/calls", status_code=202)
async def make_call(
    body: TargetBody, asker: OwnAsker, access: AgentAccess, session: DbSession, request: Request
) -> DialAccepted:
    """Click to dial: the own telephone rings; once answered, the other side is called.

    Numbers only as the hospital's rules of calls out allow.
    """
    plan, home = _numbers(request)
    try:
        row, call_id = await call_control.request_dial(session, asker, _target(body), plan=plan, home=home)
    except NumberNotDialled as error:
        await _report(request, asker, body, error, plan)
        raise
    record_audit(session, access.actor, "desk.make_call", subject_id=call_id, kind=body.kind)
    return DialAccepted(command_id=row.id, call_id=call_id)


@router.post("/agents/me/call/hang-up", status_code=202)
async def hang_up(asker: OwnAsker, session: DbSession) -> CommandAccepted:
    """End the own part of the call, or refuse it while it rings."""
    return await _on_call(session, asker, HangUpCall)


@router.post("/agents/me/call/hold", status_code=202)
async def hold(asker: OwnAsker, session: DbSession) -> CommandAccepted:
    """The other side hears music."""
    return await _on_call(session, asker, HoldCall)


@router.post("/agents/me/call/unhold", status_code=202)
async def unhold(asker: OwnAsker, session: DbSession) -> CommandAccepted:
    """Talk with the other side again."""
    return await _on_call(session, asker, UnholdCall)


@router.post("/agents/me/call/mute", status_code=202)
async def mute(asker: OwnAsker, session: DbSession) -> CommandAccepted:
    """The other side does not hear the agent."""
    return await _on_call(session, asker, MuteCall, muted=True)


@router.post("/agents/me/call/unmute", status_code=202)
async def unmute(asker: OwnAsker, session: DbSession) -> CommandAccepted:
    """The other side hears the agent again."""
    return await _on_call(session, asker, MuteCall, muted=False)


@router.post("/agents/me/call/keypad", status_code=202)
async def press_keys(body: KeysBody, asker: OwnAsker, session: DbSession) -> CommandAccepted:
    """Keys for the other side's menu, at most 16 at once."""
    return await _on_call(session, asker, PressKeys, keys=body.keys)


@router.post("/agents/me/call/transfer", status_code=202)
async def transfer(
    body: TargetBody, asker: OwnAsker, access: AgentAccess, session: DbSession, request: Request
) -> CommandAccepted:
    """Pass the call on without asking first. Nobody answers there: it comes back, or goes to a queue at its place."""
    return await _pass_on(session, request, asker, access, TransferCall, body)


@router.post("/agents/me/call/consult", status_code=202)
async def consult(
    body: TargetBody, asker: OwnAsker, access: AgentAccess, session: DbSession, request: Request
) -> CommandAccepted:
    """Ask somebody while the other side hears music; then complete the transfer, cancel it, or confer."""
    return await _pass_on(session, request, asker, access, ConsultCall, body)


@router.post("/agents/me/call/complete-transfer", status_code=202)
async def complete_transfer(asker: OwnAsker, session: DbSession) -> CommandAccepted:
    """Who was on hold talks with who was consulted."""
    return await _on_call(session, asker, CompleteTransfer)


@router.post("/agents/me/call/cancel-transfer", status_code=202)
async def cancel_transfer(asker: OwnAsker, session: DbSession) -> CommandAccepted:
    """Back to who was on hold; who was consulted is let go."""
    return await _on_call(session, asker, CancelTransfer)


@router.post("/agents/me/call/conference", status_code=202)
async def conference(asker: OwnAsker, session: DbSession) -> CommandAccepted:
    """Who was on hold, who was consulted and the agent talk together; whoever hangs up leaves the others talking."""
    return await _on_call(session, asker, JoinCalls)


@router.post("/agents/me/call/recording/pause", status_code=202)
async def pause_recording(asker: OwnAsker, access: AgentAccess, session: DbSession) -> CommandAccepted:
    """Silence in the recording from now on: something is said that must not be kept."""
    record_audit(session, access.actor, "desk.pause_recording", subject_id=asker.agent.activity_call_id)
    return await _on_call(session, asker, PauseRecording, paused=True)


@router.post("/agents/me/call/recording/resume", status_code=202)
async def resume_recording(asker: OwnAsker, access: AgentAccess, session: DbSession) -> CommandAccepted:
    """The recording goes on."""
    record_audit(session, access.actor, "desk.resume_recording", subject_id=asker.agent.activity_call_id)
    return await _on_call(session, asker, PauseRecording, paused=False)


async def _on_call(
    session: DbSession, asker: Asker, command: type[CallCommand], **arguments: object
) -> CommandAccepted:
    return _accepted(await call_control.request_on_call(session, asker, command, **arguments))


async def _pass_on(
    session: DbSession,
    request: Request,
    asker: Asker,
    access: AgentAccess,
    command: type[TransferCall | ConsultCall],
    body: TargetBody,
) -> CommandAccepted:
    plan, home = _numbers(request)
    call_id = asker.agent.activity_call_id
    try:
        row = await call_control.request_passing_on(session, asker, command, _target(body), plan=plan, home=home)
    except NumberNotDialled as error:
        await _report(request, asker, body, error, plan)
        raise
    record_audit(session, access.actor, f"desk.{command.action}", subject_id=call_id, kind=body.kind)
    return _accepted(row)


def _accepted(row: PbxCommand) -> CommandAccepted:
    return CommandAccepted(command_id=row.id)


def _target(body: TargetBody) -> Target:
    return Target(body.kind, body.to, confirmed=body.do_not_call_confirmed)


def _numbers(request: Request) -> tuple[NumberPlan, Home]:
    return request.app.state.number_plan, Home.of(request.app.state.settings)


async def _report(request: Request, asker: Asker, body: TargetBody, error: NumberNotDialled, plan: NumberPlan) -> None:
    reason = str(error.details["reason"])
    async with open_transaction(get_database(request)) as kept:  # the request's own is rolled back
        await call_control.report_refused_number(kept, asker.log_in, body.to, reason, plan)
