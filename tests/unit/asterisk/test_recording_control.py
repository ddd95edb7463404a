"""Which channels' recordings a seat pauses."""

from callcenter.asterisk.live_channels import LiveChannel
from callcenter.asterisk.recording_control import mute_recording, recorded_channels


def channel(name: str, bridge_id: str = "") -> LiveChannel:
    return LiveChannel(name, name, "pbx1-1.1", "Up", bridge_id, "flow", "s", "Queue")


CHANNELS = [
    channel("PJSIP/trunk-00000001", "one"),
    channel("PJSIP/seat-rose-00000002", "one"),
    channel("PJSIP/trunk-00000003", "two"),
    channel("PJSIP/seat-lily-00000004", "two"),
    channel("PJSIP/trunk-00000005"),
]


def test_the_seats_own_leg_first_then_whom_it_talks_with() -> None:
    assert recorded_channels(CHANNELS, "seat-rose") == ["PJSIP/seat-rose-00000002", "PJSIP/trunk-00000001"]
    assert recorded_channels([channel("PJSIP/seat-rose-00000002")], "seat-rose") == []


def test_both_sides_are_silent() -> None:
    action, headers = mute_recording("PJSIP/seat-rose-00000002", muted=True)
    assert (action, headers["Direction"], headers["State"]) == ("MixMonitorMute", "both", "1")
    assert mute_recording("PJSIP/seat-rose-00000002", muted=False)[1]["State"] == "0"
