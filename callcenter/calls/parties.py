"""Who is who in a call: by whose channel it is told, who talked last, who hung up, who passed it on."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from callcenter.asterisk.channel_ids import DialKind, kind_of_dial
from callcenter.asterisk.ledger import CelRecord, endpoint_of, seat_of_channel
from callcenter.calls.channels import Channel, is_local

_GONE_WITHIN = timedelta(seconds=1)


def main_channel(
    call_id: str, all_channels: Mapping[str, Channel], telephones: Mapping[str, Channel]
) -> tuple[Channel, bool]:
    """The channel that the call is told by, and whether we placed the call (campaign, call-back, an agent's).

    Of a placed one that is the patient's; of a call-back in which no patient was dialled, the Local channel; of an
    agent's call in which nobody outside was, the agent's.
    """
    first = all_channels.get(call_id) or next(iter(all_channels.values()))
    if kind_of_dial(first.uniqueid) is DialKind.CAMPAIGN:
        return first, True
    is_callback = is_local(first)
    if not is_callback and seat_of_channel(first.name) is None:
        return first, False
    outside = (one for one in telephones.values() if endpoint_of(one.name) and seat_of_channel(one.name) is None)
    patient = next(outside, None)
    return patient or first, is_callback or patient is not None


def direction_of(main: Channel, *, is_placed: bool) -> str:
    """Of the channel that :func:`main_channel` found."""
    if is_placed:
        return "outbound"
    return "inbound" if seat_of_channel(main.name) is None else "internal"


def last_agent(
    call_id: str, main: Channel, channels: Mapping[str, Channel], agents: Mapping[str, str], last_at: datetime
) -> str | None:
    """The agent who talked last with the caller; of a call that reached nobody, the agent who made it."""
    stays = main.stays(last_at)
    talked = [
        (min(own.span.end, stay.span.end), channel.started_at, agents[channel.uniqueid])
        for channel in channels.values()
        if channel is not main and channel.uniqueid in agents
        for own in channel.stays(last_at)
        for stay in stays
        if own.meets(stay)
    ]
    return max(talked)[2] if talked else agents.get(call_id)


def is_out(transferor: Channel | None, event: CelRecord) -> bool:
    """Whether the transfer was one: who made it is gone. Asterisk writes the same line when three begin to talk."""
    ended_at = transferor.ended_at if transferor else None
    return ended_at is not None and ended_at - event.at < _GONE_WITHIN


def hung_up_by(main: Channel) -> str | None:
    """From HANGUP's hangupsource, a channel name; empty after transfers."""
    if not main.hangup_source:
        return None
    if seat_of_channel(main.hangup_source):
        return "agent"
    return "caller" if endpoint_of(main.hangup_source) else "pbx"
