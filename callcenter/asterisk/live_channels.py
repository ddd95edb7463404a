"""The channels that a PBX has now, as it shows them: what a command about a live call looks at before it acts."""

from collections.abc import Mapping
from dataclasses import dataclass

from callcenter.asterisk.ledger import seat_of_channel
from callcenter.asterisk.manager import AmiSession


@dataclass(frozen=True, slots=True)
class LiveChannel:
    """A row of CoreShowChannels. ``bridge_id``: empty while it talks with nobody; ``state``: ``Up``, ``Ringing``..."""

    name: str
    uniqueid: str
    linkedid: str
    state: str
    bridge_id: str
    context: str
    extension: str
    application: str
    application_data: str = ""

    @property
    def seat(self) -> str | None:
        """The seat whose telephone this is; None for the trunk's channels and Asterisk's own."""
        return seat_of_channel(self.name)


async def read_channels(ami: AmiSession) -> list[LiveChannel]:
    """All channels of this PBX. Raises AmiUnavailable, AmiTimeout."""
    return [_channel(row) for row in await ami.send_list("CoreShowChannels") if row.get("Uniqueid")]


def _channel(row: Mapping[str, str]) -> LiveChannel:
    return LiveChannel(
        name=row.get("Channel", ""),
        uniqueid=row["Uniqueid"],
        linkedid=row.get("Linkedid", ""),
        state=row.get("ChannelStateDesc", ""),
        bridge_id=row.get("BridgeId", ""),
        context=row.get("Context", ""),
        extension=row.get("Exten", ""),
        application=row.get("Application", ""),
        application_data=row.get("ApplicationData", ""),
    )
