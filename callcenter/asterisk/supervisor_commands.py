"""What supervisors do with the calls of others. Dialplan: asterisk_conf/extensions_supervisors.conf.j2."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from callcenter.asterisk import variables
from callcenter.asterisk.call_commands import Actions, CallCommand, CallId, TransferCall
from callcenter.asterisk.commands import AmiHeaders, ChannelId, LiveCommand, Name, interface
from callcenter.asterisk.errors import NoSuchLiveCall
from callcenter.asterisk.live_channels import LiveChannel
from callcenter.asterisk.spy_ids import is_spy_id

CONTEXT = "supervisor"
RING_MILLISECONDS = "20000"
_QUEUE_APPLICATION = "Queue"

SpyMode = Literal["listen", "whisper", "barge"]
_OPTIONS: dict[SpyMode, str] = {"listen": "qdES", "whisper": "qdESw", "barge": "qdESB"}
"""Quiet; keys 4, 5 and 6 change the mode; over with the conversation."""
_KEYS: dict[SpyMode, str] = {"listen": "4", "whisper": "5", "barge": "6"}

Uniqueid = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,15}-[a-z0-9.-]{1,60}$")]
"""Of any channel: begins with the PBX's name."""


class Listen(CallCommand):
    """The supervisor's telephone rings; answered, it is on the agent's leg of ``call`` (at ``seat``).

    Whom it listened to until now it is just leaving (:class:`StopListening`): that does not count as in use.
    """

    action: ClassVar[str] = "listen"
    supervisor_seat: Name
    spy: ChannelId
    mode: SpyMode

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        own, _ = self.talking(channels)
        if any(one.seat == self.supervisor_seat and not is_spy_id(one.uniqueid) for one in channels):
            raise NoSuchLiveCall("the supervisor's telephone is in use", seat=self.supervisor_seat)
        headers: AmiHeaders = {
            "Channel": interface(self.supervisor_seat),
            "ChannelId": self.spy,
            "Context": CONTEXT,
            "Exten": "listen",
            "Priority": "1",
            "Timeout": RING_MILLISECONDS,
            "Async": "true",
            "Variable": [f"{variables.SPIED}={own.name}", f"{variables.SPY_OPTIONS}={_OPTIONS[self.mode]}"],
        }
        return [("Originate", headers)]


class SpyCommand(LiveCommand):
    """About the listening whose channel is ``spy``."""

    spy: ChannelId

    def channel(self, channels: Sequence[LiveChannel]) -> LiveChannel:
        """Raises NoSuchLiveCall."""
        found = next((one for one in channels if one.uniqueid == self.spy), None)
        if found is None:
            raise NoSuchLiveCall(channel=self.spy)
        return found


class ChangeMode(SpyCommand):
    """As if the key were pressed at the supervisor's telephone."""

    action: ClassVar[str] = "change_mode"
    mode: SpyMode

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        spy = self.channel(channels)
        return [("PlayDTMF", {"Channel": spy.name, "Digit": _KEYS[self.mode], "Receive": "true"})]


class StopListening(SpyCommand):
    """Also while the supervisor's telephone still rings."""

    action: ClassVar[str] = "stop_listening"
    gone_is_done: ClassVar[bool] = True

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        return [("Hangup", {"Channel": self.channel(channels).name, "Cause": "16"})]


class TakeOver(CallCommand):
    """The other side leaves the agent at ``seat`` for the supervisor.

    Who listens to this agent (``spy``) is connected at once; any other telephone rings, and if nobody answers, the
    other side goes back to the agent, or to the queue.
    """

    action: ClassVar[str] = "take_over"
    supervisor_seat: Name
    spy: ChannelId | None = None

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        spy = next((one for one in channels if self.spy and one.uniqueid == self.spy and one.state == "Up"), None)
        if spy is None:
            transfer = TransferCall(seat=self.seat, call=self.call, kind="agent", to=self.supervisor_seat)
            return transfer.actions(channels)
        own, other = self.peer(channels)
        return [
            _set(spy, variables.TAKES, "1"),
            _set(other, variables.TAKER, spy.name),
            _set(other, variables.BACK, self.seat),
            ("BlindTransfer", {"Channel": own.name, "Context": CONTEXT, "Exten": "take"}),
        ]


class EndCall(LiveCommand):
    """All who are in the call with one of these linkedids are hung up; who listens to it ends by that."""

    action: ClassVar[str] = "end_call"
    gone_is_done: ClassVar[bool] = True
    linkedids: Annotated[tuple[CallId, ...], Field(min_length=1, max_length=20)]

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        found = [one for one in channels if one.linkedid in self.linkedids and not is_spy_id(one.uniqueid)]
        if not found:
            raise NoSuchLiveCall(call=self.linkedids[0])
        return [("Hangup", {"Channel": one.name, "Cause": "16"}) for one in found]


class WaitingCommand(LiveCommand):
    """About the caller whose channel ``uniqueid`` waits in a queue."""

    uniqueid: Uniqueid

    def waiting(self, channels: Sequence[LiveChannel]) -> LiveChannel:
        """Raises NoSuchLiveCall, also when an agent has answered meanwhile."""
        found = next((one for one in channels if one.uniqueid == self.uniqueid), None)
        if found is None or found.application != _QUEUE_APPLICATION or found.bridge_id:
            raise NoSuchLiveCall(channel=self.uniqueid)
        return found


class MoveWaiting(WaitingCommand):
    """Out of the queue and into ``queue``, at the place that the call has by its priority."""

    action: ClassVar[str] = "move_waiting"
    queue: Name
    max_wait_seconds: Annotated[int, Field(ge=1, le=86_400)]

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        caller = self.waiting(channels)
        return [
            _set(caller, variables.TO, self.queue),
            _set(caller, variables.QUEUE_TIMEOUT, str(self.max_wait_seconds)),
            ("Redirect", {"Channel": caller.name, "Context": CONTEXT, "Exten": "move", "Priority": "1"}),
        ]


class BringToFront(WaitingCommand):
    """The caller has ``priority`` from now on, in any queue; a telephone that rings goes on ringing."""

    action: ClassVar[str] = "bring_to_front"
    priority: Annotated[int, Field(ge=1, le=2_147_483_647)]

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        caller = self.waiting(channels)
        app_queue = caller.application_data.partition(",")[0]
        headers = {"Queue": app_queue, "Caller": caller.name, "Priority": str(self.priority), "Immediate": "yes"}
        return [_set(caller, variables.PRIORITY, str(self.priority)), ("QueueChangePriorityCaller", headers)]


def _set(channel: LiveChannel, name: str, value: str) -> tuple[str, AmiHeaders]:
    return "Setvar", {"Channel": channel.name, "Variable": name, "Value": value}


SUPERVISOR_COMMANDS: tuple[type[LiveCommand], ...] = (
    Listen,
    ChangeMode,
    StopListening,
    TakeOver,
    EndCall,
    MoveWaiting,
    BringToFront,
)
