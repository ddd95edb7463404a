"""What agents do with their calls from the page, whatever telephone they have: none of it needs the telephone's help.

Hold, consultation and three-way are Asterisk's own bridge features (asterisk_conf/features.conf.j2), set off by digits
that no telephone has keys for, as if the agent's telephone had sent them (docs/decisions/0036).
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from callcenter.asterisk import variables
from callcenter.asterisk.commands import AmiHeaders, ChannelId, LiveCommand, Name, interface
from callcenter.asterisk.errors import NoSuchLiveCall
from callcenter.asterisk.live_channels import LiveChannel
from callcenter.asterisk.recording_control import mute_recording, recorded_channels

Actions = Sequence[tuple[str, AmiHeaders]]

CallId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,15}-[a-z0-9.-]{1,60}$")]
"""A linkedid: begins with the PBX's name."""
Keys = Annotated[str, StringConstraints(pattern=r"^[0-9*#]{1,16}$")]
Destination = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,60}$|^[a-z][a-z0-9_-]{0,39}$")]
"""A seat, a queue, or the id of a dial whose number the dialplan asks for (``agi://host/dial``)."""
Kind = Literal["agent", "queue", "number"]

HOLD_DIGIT = "B"
UNHOLD_DIGIT = "C"
CANCEL_DIGIT = "B"
COMPLETE_DIGIT = "C"
CONFERENCE_DIGIT = "D"
CONSULT_EXTENSION = "D"
"""One digit that nothing longer begins with: Asterisk waits for no other."""
DIGIT_MILLISECONDS = "100"
RING_MILLISECONDS = "30000"


class CallCommand(LiveCommand):
    """About the call ``call`` at ``seat``."""

    seat: Name
    call: CallId

    def own(self, channels: Sequence[LiveChannel]) -> LiveChannel:
        """The seat's channel in this call. Raises NoSuchLiveCall."""
        found = next((one for one in channels if one.seat == self.seat and one.linkedid == self.call), None)
        if found is None:
            raise NoSuchLiveCall(seat=self.seat)
        return found

    def talking(self, channels: Sequence[LiveChannel]) -> tuple[LiveChannel, list[LiveChannel]]:
        """The seat's channel and whom it is connected to. Raises NoSuchLiveCall while it is connected to nobody."""
        own = self.own(channels)
        others = [one for one in channels if own.bridge_id and one.bridge_id == own.bridge_id and one is not own]
        if not others:
            raise NoSuchLiveCall(seat=self.seat)
        return own, others

    def peer(self, channels: Sequence[LiveChannel]) -> tuple[LiveChannel, LiveChannel]:
        """The two of a conversation of two. Raises NoSuchLiveCall."""
        own, others = self.talking(channels)
        if len(others) != 1:
            raise NoSuchLiveCall(seat=self.seat, parties=len(others) + 1)
        return own, others[0]

    def consulting(self, channels: Sequence[LiveChannel]) -> LiveChannel:
        """The seat's channel, when who is consulted has answered. Raises NoSuchLiveCall."""
        own, others = self.talking(channels)
        if any(one.state != "Up" for one in others):
            raise NoSuchLiveCall(seat=self.seat)
        return own


class HangUpCall(CallCommand):
    """The agent's own leg ends, or stops ringing; what becomes of the caller is said in the dialplan."""

    action: ClassVar[str] = "hang_up_call"

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        return [("Hangup", {"Channel": self.own(channels).name, "Cause": "16"})]


class HoldCall(CallCommand):
    """The other side hears music, the agent nothing of it."""

    action: ClassVar[str] = "hold_call"

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        own, _ = self.peer(channels)
        return [_feature(own, HOLD_DIGIT), _mute(own, "out", muted=True)]


class UnholdCall(CallCommand):
    action: ClassVar[str] = "unhold_call"

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        own, _ = self.peer(channels)
        return [_mute(own, "out", muted=False), _feature(own, UNHOLD_DIGIT)]


class MuteCall(CallCommand):
    """Nobody hears the agent; or everybody again."""

    action: ClassVar[str] = "mute_call"
    muted: bool

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        own, _ = self.talking(channels)
        return [_mute(own, "in", muted=self.muted)]


class PressKeys(CallCommand):
    """The other side hears these keys, as if pressed on the agent's telephone."""

    action: ClassVar[str] = "press_keys"
    keys: Keys

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        _, others = self.talking(channels)
        return [
            ("PlayDTMF", {"Channel": one.name, "Digit": key, "Duration": DIGIT_MILLISECONDS})
            for key in self.keys
            for one in others
        ]


class PauseRecording(CallCommand):
    """Silence instead of speech in what is recorded of this conversation, or speech again."""

    action: ClassVar[str] = "pause_recording"
    paused: bool

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        self.talking(channels)
        return [mute_recording(name, muted=self.paused) for name in recorded_channels(channels, self.seat)]


class TransferCall(CallCommand):
    """The other side leaves the agent for ``to`` ([agent-transfer]); unanswered, back to ``seat`` or a queue."""

    action: ClassVar[str] = "transfer_call"
    kind: Kind
    to: Destination

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        own, other = self.peer(channels)
        return [
            _set(other, variables.TO, self.to),
            _set(other, variables.BACK, self.seat),
            ("BlindTransfer", {"Channel": own.name, "Context": "agent-transfer", "Exten": self.kind}),
        ]


class ConsultCall(CallCommand):
    """The other side hears music while the agent talks with ``to`` ([agent-consult-...])."""

    action: ClassVar[str] = "consult_call"
    kind: Kind
    to: Destination

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        own, _ = self.peer(channels)
        return [
            _mute(own, "out", muted=False),
            _set(own, f"__{variables.TO}", self.to),
            _set(own, f"__{variables.BACK}", self.seat),
            (
                "Atxfer",
                {"Channel": own.name, "Context": f"agent-consult-{self.kind}", "Exten": CONSULT_EXTENSION},
            ),
        ]


class CompleteTransfer(CallCommand):
    """Who was on hold talks with who was consulted; the agent is out."""

    action: ClassVar[str] = "complete_transfer"

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        return [_feature(self.consulting(channels), COMPLETE_DIGIT)]


class CancelTransfer(CallCommand):
    """Who was consulted is out; the agent talks with who was on hold."""

    action: ClassVar[str] = "cancel_transfer"

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        return [_feature(self.talking(channels)[0], CANCEL_DIGIT)]


class JoinCalls(CallCommand):
    """Who was on hold, who was consulted and the agent talk together; any of them may leave."""

    action: ClassVar[str] = "join_calls"

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        return [_feature(self.consulting(channels), CONFERENCE_DIGIT)]


class DialFromSeat(LiveCommand):
    """The seat's telephone rings first; answered, it is connected to ``to`` ([agent-dial]). Only if the seat is free.

    ``dial``: becomes the channel's id and so the call's. ``did``: the number of ours that the other side is shown.
    """

    action: ClassVar[str] = "dial_from_seat"
    seat: Name
    dial: ChannelId
    kind: Kind
    to: Destination
    did: Annotated[str, Field(pattern=r"^[0-9]{0,20}$")]

    def actions(self, channels: Sequence[LiveChannel]) -> Actions:
        if any(one.seat == self.seat for one in channels):
            raise NoSuchLiveCall("the telephone is in use", seat=self.seat)
        headers: AmiHeaders = {
            "Channel": interface(self.seat),
            "ChannelId": self.dial,
            "Context": "agent-dial",
            "Exten": self.kind,
            "Priority": "1",
            "Timeout": RING_MILLISECONDS,
            "CallerID": f"<{self.did}>",
            "Async": "true",
            "Variable": [f"{variables.TO}={self.to}", f"{variables.DID}={self.did}", f"{variables.BACK}={self.seat}"],
        }
        return [("Originate", headers)]


def _feature(own: LiveChannel, digit: str) -> tuple[str, AmiHeaders]:
    return "PlayDTMF", {"Channel": own.name, "Digit": digit, "Duration": DIGIT_MILLISECONDS, "Receive": "true"}


def _mute(channel: LiveChannel, direction: str, *, muted: bool) -> tuple[str, AmiHeaders]:
    """``in``: what this telephone says; ``out``: what it hears."""
    return "MuteAudio", {"Channel": channel.name, "Direction": direction, "State": "on" if muted else "off"}


def _set(channel: LiveChannel, name: str, value: str) -> tuple[str, AmiHeaders]:
    return "Setvar", {"Channel": channel.name, "Variable": name, "Value": value}


CALL_COMMANDS: tuple[type[LiveCommand], ...] = (
    HangUpCall,
    HoldCall,
    UnholdCall,
    MuteCall,
    PressKeys,
    PauseRecording,
    TransferCall,
    ConsultCall,
    CompleteTransfer,
    CancelTransfer,
    JoinCalls,
    DialFromSeat,
)
