"""What an engine sees of its surroundings: how far the ledger's reading is behind, the trunk, disks."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.core.config import Settings
from callcenter.supervision.alarm_surroundings import LedgerLag, free_space, trunk_state, volumes

ONE, TWO = (1, 11), (1, 22)


def test_what_is_read_at_once_is_no_lag() -> None:
    lag = LedgerLag()
    assert [lag.lag_seconds({ONE: size}, {ONE: size}, at) for at, size in enumerate((0, 100, 200))] == [0, 0, 0]


def test_the_age_of_the_oldest_line_that_was_not_read() -> None:
    lag = LedgerLag()
    assert lag.lag_seconds({ONE: 100}, {}, 10) == 0  # just seen
    assert lag.lag_seconds({ONE: 100}, {}, 13) == 3
    assert lag.lag_seconds({ONE: 200}, {ONE: 50}, 14) == 4
    assert lag.lag_seconds({ONE: 300}, {ONE: 100}, 15) == 1  # all that was there at 10; not what came by 14
    assert lag.lag_seconds({ONE: 300}, {ONE: 300}, 16) == 0


def test_a_renamed_file_counts_until_it_is_read() -> None:
    lag = LedgerLag()
    assert lag.lag_seconds({ONE: 100}, {ONE: 0}, 10) == 0
    assert lag.lag_seconds({TWO: 50}, {ONE: 0}, 15) == 5
    assert lag.lag_seconds({TWO: 50}, {ONE: 100, TWO: 50}, 16) == 0
    assert lag.lag_seconds({TWO: 50}, {TWO: 50}, 17) == 0


def test_a_file_that_was_cut_begins_anew() -> None:
    lag = LedgerLag()
    lag.lag_seconds({ONE: 1000}, {ONE: 0}, 0)
    assert lag.lag_seconds({ONE: 10}, {ONE: 0}, 50) == 0
    assert lag.lag_seconds({ONE: 10}, {ONE: 0}, 55) == 5


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.floats(0.1, 5)), max_size=40))
def test_the_lag_is_that_of_the_lines_themselves(steps: list[tuple[int, int, float]]) -> None:
    """Against a list of every byte with the time at which it was first seen."""
    lag, born, read, at = LedgerLag(), list[float](), 0, 0.0
    for written, taken, pause in steps:
        at += pause
        born += [at] * written
        read = min(read + taken, len(born))
        expected = at - born[read] if read < len(born) else 0.0
        assert lag.lag_seconds({ONE: len(born)}, {ONE: read}, at) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("states", "value"),
    [
        (["Reachable"], 0),
        (["Unreachable"], 1),
        (["Unreachable", "Reachable"], 0),
        (["NonQualified"], None),
        (["Created"], None),
        ([], None),
    ],
)
def test_the_trunk(states: list[str], value: float | None) -> None:
    rows = [{"Event": "EndpointDetail"}, *({"Event": "ContactStatusDetail", "Status": state} for state in states)]
    assert trunk_state(rows) == value


def test_disks(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    assert volumes(settings).keys() == {"recordings", "ledger", "database"}
    assert volumes(Settings(state_dir=tmp_path, database_url="postgresql+asyncpg://db/x")).keys() == {
        "recordings",
        "ledger",
    }
    assert free_space("pbx1", volumes(settings)) == {}  # nothing is there yet
    settings.recordings_dir.mkdir(parents=True)
    (found,) = free_space("pbx1", volumes(settings)).items()
    usage = os.statvfs(settings.recordings_dir)
    assert found[0] == "pbx1:recordings"
    assert found[1].value == pytest.approx(100 * usage.f_bavail / usage.f_blocks, abs=5)
