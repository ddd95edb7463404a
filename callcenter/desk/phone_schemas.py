"""Shapes of the browser phone's API."""

from pydantic import ConfigDict, Field

from callcenter.agents.models import SeatKind
from callcenter.core.http import ApiModel


class IceServerResponse(ApiModel):
    """One server for WebRTC. ``username`` and ``credential`` are null for STUN."""

    model_config = ConfigDict(from_attributes=True)
    url: str = Field(examples=["turn:turn.hospital.example:3478"])
    username: str | None
    credential: str | None


class PhoneResponse(ApiModel):
    """Where the agent telephones. ``kind`` is null for an agent who sits nowhere."""

    seat: str | None = Field(examples=["seat-page"])
    kind: SeatKind | None
    registered: bool = Field(description="Whether the telephone is registered with Asterisk now.")
    socket_url: str = Field(examples=["wss://hotline.hospital.example/phone"])


class PhoneAccountResponse(ApiModel):
    """For a SIP client over WebSocket. ``password`` is shown this once and is void after the next log-in."""

    username: str = Field(examples=["seat-page"])
    password: str
    realm: str
    uri: str = Field(examples=["sip:seat-page@callcenter"])
    socket_url: str = Field(examples=["wss://hotline.hospital.example/phone"])
    ice_servers: list[IceServerResponse]
