"""The chain of queues that a caller goes along while nobody answers. Pure."""

from collections.abc import Mapping


def overflow_chain(overflows: Mapping[str, str | None], start: str) -> list[str]:
    """``start`` and the queues after it, in order. ``overflows``: each queue and where it overflows to.

    A chain that leads back to a queue ends with that queue, named a second time; one that leads to a queue that is
    not there ends before it.
    """
    way = [start]
    while (target := overflows.get(way[-1])) is not None and (target in overflows or target in way):
        way.append(target)
        if target in way[:-1]:
            break
    return way
