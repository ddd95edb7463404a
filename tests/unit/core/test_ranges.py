"""Which part of a body a ``Range`` header asks for."""

import pytest

from callcenter.core.ranges import Part, RangeNotSatisfiable, asked_part


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-43", 0, 44),
        ("bytes= 10 - 19", 10, 20),
        ("bytes=90-", 90, 100),
        ("bytes=90-1000", 90, 100),
        ("bytes=-10", 90, 100),
        ("bytes=-1000", 0, 100),
    ],
)
def test_a_part(header: str, start: int, stop: int) -> None:
    assert asked_part(header, 100) == Part(start, stop, 100)


@pytest.mark.parametrize("header", [None, "", "bytes=-", "bytes=0-1,5-6", "lines=0-1", "bytes=a-b", "0-1"])
def test_all_of_it(header: str | None) -> None:
    assert asked_part(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=20-10", "bytes=-0"])
def test_no_such_part(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        asked_part(header, 100)


def test_headers() -> None:
    assert Part(10, 20, 100).headers() == {
        "Accept-Ranges": "bytes",
        "Content-Length": "10",
        "Content-Range": "bytes 10-19/100",
    }
