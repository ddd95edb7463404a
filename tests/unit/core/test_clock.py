"""A clock that is set is noticed; one that drifts is not."""

import pytest

from callcenter.core.clock import ClockWatch


class Clocks:
    def __init__(self) -> None:
        self.wall, self.monotonic = 1_700_000_000.0, 50.0

    def pass_seconds(self, seconds: float, wall: float | None = None) -> None:
        self.monotonic += seconds
        self.wall += seconds if wall is None else wall


@pytest.mark.parametrize("step", [300.0, -300.0, 2.5, -2.5])
def test_a_step_is_told_until_it_is_accepted(step: float) -> None:
    clocks = Clocks()
    watch = ClockWatch(lambda: clocks.wall, lambda: clocks.monotonic)
    clocks.pass_seconds(60)
    assert watch.step_seconds() == 0.0
    clocks.pass_seconds(1, wall=1 + step)
    assert watch.step_seconds() == pytest.approx(step)
    clocks.pass_seconds(10)
    assert watch.step_seconds() == pytest.approx(step)
    watch.accept(watch.step_seconds())
    clocks.pass_seconds(10)
    assert watch.step_seconds() == 0.0


def test_a_clock_that_is_brought_round_slowly_never_steps() -> None:
    clocks = Clocks()
    watch = ClockWatch(lambda: clocks.wall, lambda: clocks.monotonic)
    for _ in range(10_000):
        clocks.pass_seconds(1, wall=1.0005)
        assert watch.step_seconds() == 0.0
