"""Identifiers that sort by the time they were made (RFC 9562, 5.7)."""

import time
from uuid import RFC_4122

from callcenter.core.ids import new_id


def test_version_7_with_the_present_in_its_first_48_bits() -> None:
    before = time.time_ns() // 1_000_000
    made = [new_id() for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}
    assert all(before <= one.int >> 80 <= after for one in made)


def test_all_are_different_and_later_ones_never_sort_before_an_earlier_millisecond() -> None:
    made = [new_id() for _ in range(10_000)]
    assert len(set(made)) == len(made)
    milliseconds = [one.int >> 80 for one in made]
    assert milliseconds == sorted(milliseconds)
    assert len({one.int & ((1 << 62) - 1) for one in made}) == len(made), "the rest is random"
