"""What came of the commands that agents gave about their calls: told to their desks as messages of type ``command``."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents import messages
from callcenter.agents import queries as agent_queries
from callcenter.agents import service as agents
from callcenter.agents.live_calls import CallState, LiveCall, live_call_of, put_live_call
from callcenter.asterisk.call_commands import (
    CALL_COMMANDS,
    CancelTransfer,
    ConsultCall,
    HoldCall,
    JoinCalls,
    MuteCall,
    PauseRecording,
    UnholdCall,
)
from callcenter.asterisk.errors import NoSuchLiveCall
from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.asterisk.sender import TOO_LATE

COMMAND = "command"
_ACTIONS = frozenset(command.action for command in CALL_COMMANDS)
_STATES = {
    HoldCall.action: CallState.HELD,
    UnholdCall.action: CallState.TALKING,
    ConsultCall.action: CallState.CONSULTING,
    CancelTransfer.action: CallState.TALKING,
    JoinCalls.action: CallState.CONFERENCE,
}


async def on_command_over(session: AsyncSession, command: PbxCommand) -> None:
    """For the engine's sender. A command that somebody else gave is nothing of ours."""
    number = agents.number_of_member(command.cause) if command.action in _ACTIONS else None
    agent = await agent_queries.find_agent(session, number=number, lock=True) if number else None
    if agent is None:
        return
    after = {"id": command.id, "action": command.action, "state": command.state, "reason": _reason(command)}
    await messages.tell(session, agent, COMMAND, before=None, after=after)
    call = live_call_of(agent)
    if call is not None and command.state == CommandState.DONE and call.call_id == command.arguments.get("call"):
        await put_live_call(session, agent, _after(call, command))


def _after(call: LiveCall, command: PbxCommand) -> LiveCall:
    values: dict[str, Any] = {}
    if command.action in _STATES:
        values["state"] = _STATES[command.action]
    if command.action == MuteCall.action:
        values["muted"] = command.arguments["muted"]
    if command.action == PauseRecording.action:
        values["recording_paused"] = command.arguments["paused"]
    return call.changed(**values)


def _reason(command: PbxCommand) -> str | None:
    """A stable word for what went wrong; Asterisk's own words stay in the row."""
    if command.state == CommandState.DONE:
        return None
    if command.state == CommandState.UNKNOWN:
        return "unknown"
    if command.answer == TOO_LATE:
        return "too-late"
    return NoSuchLiveCall.code if command.answer == NoSuchLiveCall.title_en else "refused"
