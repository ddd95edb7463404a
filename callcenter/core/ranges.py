"""Parts of a body, as ``Range`` asks for them (RFC 9110, section 14): one part; whoever asks for several gets all."""

import re
from dataclasses import dataclass

from callcenter.core.errors import CallcenterError

_ONE_RANGE = re.compile(r"bytes=(?P<first>\d{0,15})-(?P<last>\d{0,15})")


class RangeNotSatisfiable(CallcenterError):
    status, code = 416, "range-not-satisfiable"
    title_en, title_zh = "There is no such part.", "所请求的范围不存在。"


@dataclass(frozen=True, slots=True)
class Part:
    """From ``start`` until before ``stop``, of ``length`` bytes."""

    start: int
    stop: int
    length: int

    def headers(self) -> dict[str, str]:
        """Of an answer that is this part."""
        return {
            "Accept-Ranges": "bytes",
            "Content-Length": str(self.stop - self.start),
            "Content-Range": f"bytes {self.start}-{self.stop - 1}/{self.length}",
        }


def asked_part(header: str | None, length: int) -> Part | None:
    """What is asked for of ``length`` bytes; None: all of it. Raises RangeNotSatisfiable."""
    asked = _ONE_RANGE.fullmatch(header.replace(" ", "")) if header else None
    if asked is None or not (asked["first"] or asked["last"]):
        return None
    if asked["first"]:
        start = int(asked["first"])
        stop = min(int(asked["last"]) + 1, length) if asked["last"] else length
    else:
        start, stop = max(0, length - int(asked["last"])), length
    if start >= length or start >= stop:
        raise RangeNotSatisfiable(length=length)
    return Part(start, stop, length)
