"""What campaigns ask of a PBX."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from callcenter.asterisk import variables
from callcenter.asterisk.commands import AmiHeaders, ChannelId, Command, Name, interface

RING_MILLISECONDS = "30000"
"""Of the agent's own telephone."""
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,20}$")]


class PlaceCampaignCall(Command):
    """The trunk dials ``number``; who answers meets the campaign's flow, or an agent of ``queue`` ([campaign]).

    ``attempt``: becomes the channel's id and so the call's. ``did``: the number of ours that is shown.
    ``machine``: what is done when a machine answers; off: nobody listens for one. A call that
    waited for Asterisk longer than :attr:`good_for_seconds` is not made: its hour may be over.
    """

    action = "place_campaign_call"
    stands_alone = True
    good_for_seconds: ClassVar[float | None] = 10.0
    attempt: ChannelId
    number: Digits
    did: Digits
    language: Annotated[str, StringConstraints(pattern=r"^(zh|en)$")]
    ring_seconds: Annotated[int, Field(ge=5, le=120)]
    machine: Literal["off", "hang_up", "leave_message"] = "off"
    queue: Name | None = None

    def ami(self) -> tuple[str, AmiHeaders]:
        return "Originate", {
            "Channel": f"PJSIP/{self.number}@trunk",
            "ChannelId": self.attempt,
            "Context": "campaign",
            "Exten": "agents" if self.queue else "s",
            "Priority": "1",
            "Timeout": str(self.ring_seconds * 1000),
            "CallerID": f"<{self.did}>",
            "Async": "true",
            "Variable": [
                f"{variables.ATTEMPT}={self.attempt}",
                f"{variables.NUMBER}={self.number}",
                f"{variables.DID}={self.did}",
                f"{variables.LANGUAGE}={self.language}",
                f"{variables.MACHINE}={self.machine}",
                f"{variables.QUEUE}={self.queue or ''}",
            ],
        }


class PlacePreviewCall(Command):
    """The telephone of the agent who has seen the contact rings first; then ``number`` is dialled ([campaign])."""

    action = "place_preview_call"
    good_for_seconds: ClassVar[float | None] = 10.0
    attempt: ChannelId
    seat: Name
    number: Digits
    did: Digits
    ring_seconds: Annotated[int, Field(ge=5, le=120)]

    def ami(self) -> tuple[str, AmiHeaders]:
        return "Originate", {
            "Channel": interface(self.seat),
            "ChannelId": self.attempt,
            "Context": "campaign",
            "Exten": "preview",
            "Priority": "1",
            "Timeout": RING_MILLISECONDS,
            "CallerID": f"<{self.did}>",
            "Async": "true",
            "Variable": [
                f"{variables.ATTEMPT}={self.attempt}",
                f"{variables.NUMBER}={self.number}",
                f"{variables.DID}={self.did}",
                f"{variables.BACK}={self.seat}",
                f"{variables.RING_SECONDS}={self.ring_seconds}",
            ],
        }


CAMPAIGN_COMMANDS = (PlaceCampaignCall, PlacePreviewCall)
