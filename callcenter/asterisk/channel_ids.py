"""Ids that we give to channels of our own: known before Asterisk hears of them, so that a lost one can be found.

``<pbx>-<kind>-<32 letters>``: letters only, so that nothing takes a part of one for a telephone number.
"""

import re
from enum import StrEnum

from callcenter.core.ids import new_id

_ID = re.compile(r"[a-z][a-z0-9]{0,15}-(cb|ca|cp)-[a-p]{32}")
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


class DialKind(StrEnum):
    """What dials for us. ``CALLBACK``: a Local channel waits in a queue. ``CAMPAIGN``: the person's own channel.
    ``PREVIEW``: the channel of the agent's telephone, who has seen the contact and wants the call."""

    CALLBACK = "cb"
    CAMPAIGN = "ca"
    PREVIEW = "cp"


def new_channel_id(pbx: str, kind: str) -> str:
    """Of a channel that is to be made; of the first channel of a call it is the call's id too."""
    return f"{pbx}-{kind}-{new_id().hex.translate(_LETTERS)}"


def kind_of_dial(text: str) -> DialKind | None:
    """What dialled the channel or call with this id by itself; None: nothing did."""
    match = _ID.fullmatch(text)
    return DialKind(match[1]) if match else None
