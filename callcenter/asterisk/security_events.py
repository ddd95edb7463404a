"""What Asterisk tells of those who try to get in (res_security_log, its "security" events over AMI)."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated

from callcenter.asterisk.event_fields import From, key

REFUSED_LOGINS = ("ChallengeResponseFailed", "InvalidAccountID", "InvalidPassword")
"""Events that tell of a :class:`RefusedLogin`: a wrong answer to SIP's challenge, no such account, a wrong password."""


def _source(value: str) -> str:
    """``IPV4/UDP/192.0.2.7/5060``: its address."""
    parts = value.split("/")
    return str(ip_address(parts[2])) if len(parts) == 4 else ""


@dataclass(frozen=True, slots=True)
class RefusedLogin:
    """A SIP telephone or an AMI client did not prove who it is. Names that it gave are the guesser's: not read.

    ``service``: ``PJSIP`` or ``AMI``. ``source``: an IP address, empty where Asterisk tells none.
    """

    service: Annotated[str, key("Service")]
    source: Annotated[str, From(_source, ("RemoteAddress",))]
