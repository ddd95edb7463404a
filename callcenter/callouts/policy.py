"""Which numbers may be dialled, pure. Whoever phones us, or steals a log-in, could else have us pay for any number.

Without a rule of the hospital's own: mobile and geographic landline numbers of its country. Everything abroad, and
what costs the caller more than a call (premium rate, shared cost, personal numbers), is refused. The kinds of numbers
are those of Google's libphonenumber metadata.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import PhoneNumberType

from callcenter.core.config import Settings

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_ORDINARY = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


class Refusal(StrEnum):
    """Why a number is not dialled; stable words of the API."""

    NOT_A_NUMBER = "not_a_number"
    FORBIDDEN = "forbidden_prefix"
    DO_NOT_CALL = "do_not_call"
    ABROAD = "abroad"
    COSTS_EXTRA = "costs_extra"
    NUMBER_LIMIT = "number_limit"
    ASKER_LIMIT = "asker_limit"
    TOTAL_LIMIT = "total_limit"


@dataclass(frozen=True, slots=True)
class Home:
    """Where the hospital is: ``country`` (ISO 3166) is what is national, ``zone`` says when a day begins."""

    country: str
    zone: ZoneInfo

    @classmethod
    def of(cls, settings: Settings) -> "Home":
        return cls(settings.country, ZoneInfo(settings.time_zone))


@dataclass(frozen=True, slots=True)
class PrefixRule:
    """See :class:`callcenter.callouts.models.CallOutPrefix`."""

    prefix: str
    allowed: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """Dials a day: to one number, for one asker (a member of staff, or the line that asked), and in all."""

    number_daily: int
    asker_daily: int
    total_daily: int


DEFAULT_LIMITS = Limits(number_daily=6, asker_daily=100, total_daily=2_000)


def find_refusal(e164: str, country: str, rules: Iterable[PrefixRule] = ()) -> Refusal | None:
    """Why ``e164`` may not be dialled; None: it may. ``rules``: those whose prefix it has, and maybe others.

    A rule that allows no more than a whole country does not allow the numbers there that cost extra.
    """
    if not _E164.fullmatch(e164):  # the parser reads numbers out of any text around them
        return Refusal.NOT_A_NUMBER
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return Refusal.NOT_A_NUMBER
    if not phonenumbers.is_valid_number(parsed):
        return Refusal.NOT_A_NUMBER
    matching = [rule for rule in rules if e164.removeprefix("+").startswith(rule.prefix)]
    rule = max(matching, key=lambda one: len(one.prefix), default=None)
    if rule is not None and not rule.allowed:
        return Refusal.FORBIDDEN
    if rule is None and not phonenumbers.is_valid_number_for_region(parsed, country):
        return Refusal.ABROAD
    is_named = rule is not None and len(rule.prefix) > len(str(parsed.country_code))
    if not is_named and phonenumbers.number_type(parsed) not in _ORDINARY:
        return Refusal.COSTS_EXTRA
    return None
