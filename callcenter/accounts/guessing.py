"""What log-ins and tokens share against guessers: whom to count as one, a throttle, the name of the alarm."""

from ipaddress import IPv4Address, ip_address, ip_network

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from callcenter.accounts.errors import TooManyLogins

ALARM = "login_guessing"


class LoginThrottle:
    """At most 60 tries a minute for one key (a :func:`source_network`, or an account); in memory, so per process.

    It spares us work. What keeps guessers out is counted in the database (accounts.service.log_in).
    """

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._limit = RateLimitItemPerMinute(60)

    def hit(self, key: str) -> None:
        """Count one try; raises TooManyLogins when it is one too many."""
        if not self._limiter.hit(self._limit, key):
            raise TooManyLogins

    def is_news(self, key: str) -> bool:
        """Whether this has not been said within a minute."""
        return self._limiter.hit(RateLimitItemPerMinute(1), f"news:{key}")


def source_network(source: str) -> str:
    """What is counted as one address: whoever has an IPv6 address has its whole /64.

    >>> source_network("192.0.2.7"), source_network("2001:db8::1:2:3:4"), source_network("::ffff:192.0.2.7")
    ('192.0.2.7', '2001:db8::/64', '192.0.2.7')
    """
    try:
        address = ip_address(source)
    except ValueError:  # a Unix socket's peer has none
        return source
    if isinstance(address, IPv4Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ip_network((address, 64), strict=False))
