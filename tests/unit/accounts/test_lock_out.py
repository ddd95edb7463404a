"""Five tries within fifteen minutes lock an account for fifteen minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from callcenter.accounts.errors import TooManyLogins
from callcenter.accounts.guessing import LoginThrottle, source_network
from callcenter.accounts.models import User
from callcenter.accounts.service import count_try

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def fresh_user() -> User:
    return User(failed_logins=0, failed_since=None, locked_until=None)


def test_the_fifth_try_still_counts_and_the_sixth_is_locked() -> None:
    user = fresh_user()
    assert [count_try(user, NOON) for _ in range(7)] == [True] * 5 + [False] * 2
    assert user.locked_until == NOON + timedelta(minutes=15)


def test_the_lock_ends_by_itself_and_counting_begins_anew() -> None:
    user = fresh_user()
    for _ in range(5):
        count_try(user, NOON)
    later = NOON + timedelta(minutes=15)
    assert count_try(user, later)
    assert user.failed_logins == 1


def test_slow_mistakes_never_lock() -> None:
    user = fresh_user()
    tries = [count_try(user, NOON + timedelta(minutes=4 * n)) for n in range(30)]
    assert all(tries)


def test_tries_while_locked_do_not_prolong_the_lock() -> None:
    user = fresh_user()
    for n in range(10):
        count_try(user, NOON + timedelta(minutes=n))
    assert user.locked_until == NOON + timedelta(minutes=4 + 15)


def test_an_address_may_try_sixty_times_a_minute_and_others_are_not_held_up() -> None:
    throttle = LoginThrottle()
    for _ in range(60):
        throttle.hit("192.0.2.1")
    with pytest.raises(TooManyLogins):
        throttle.hit("192.0.2.1")
    throttle.hit("192.0.2.2")


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1:aaaa::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:bbbb::2", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_who_has_one_address_of_ipv6_has_its_whole_network(source: str, network: str) -> None:
    assert source_network(source) == network
