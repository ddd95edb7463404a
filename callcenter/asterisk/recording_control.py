"""Pausing what is recorded of a conversation: silence instead of speech, its length kept."""

from collections.abc import Sequence

from callcenter.asterisk.live_channels import LiveChannel


def recorded_channels(channels: Sequence[LiveChannel], seat: str) -> list[str]:
    """The channels on which the conversation of this seat may be recorded: its own, and whom it is connected to.

    A conversation is recorded on the agent's leg (asterisk_conf/extensions_recording.conf.j2), a complaint on the
    caller's.
    """
    bridges = {one.bridge_id for one in channels if one.seat == seat and one.bridge_id}
    own = [one.name for one in channels if one.seat == seat and one.bridge_id]
    return [*own, *(one.name for one in channels if one.seat != seat and one.bridge_id in bridges)]


def mute_recording(channel: str, *, muted: bool) -> tuple[str, dict[str, str]]:
    """The AMI action that pauses, or resumes, every recording of one channel."""
    return "MixMonitorMute", {"Channel": channel, "Direction": "both", "State": "1" if muted else "0"}
