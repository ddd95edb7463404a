"""Ids of the channels by which supervisors listen: no call and no leg of one, until one of them takes a call over."""

import re

from callcenter.asterisk.channel_ids import new_channel_id
from callcenter.core.clock import now

_SPY_ID = re.compile(r"[a-z][a-z0-9]{0,15}-spy-[a-p]{32}-[0-9]{10}")


def new_spy_id(pbx: str) -> str:
    """Of a channel that will be made now.

    It ends in the time: when channels meet in a bridge, Asterisk gives all of them the linkedid of the oldest, and
    reads the age of a call off what follows the last dash. Without one, a supervisor who takes a call over would be
    taken for its beginning.
    """
    return f"{new_channel_id(pbx, 'spy')}-{int(now().timestamp())}"


def is_spy_id(uniqueid: str) -> bool:
    return _SPY_ID.fullmatch(uniqueid) is not None
