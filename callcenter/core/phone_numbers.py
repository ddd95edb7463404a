"""Telephone numbers in every form people and trunks write them, to E.164 or nothing.

Rule: ITU-T E.164 (at most 15 digits), parsed by Google's libphonenumber metadata for the hospital's country.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import phonenumbers

_WITHHELD = frozenset({"", "anonymous", "unavailable", "unknown", "restricted", "private", "withheld", "asterisk"})
_ALLOWED = re.compile(r"^\+?[0-9 ().\-/]{2,40}$")
_PUNCTUATION = str.maketrans("", "", " ().-/\n")
_USUAL_CHINESE = re.compile(r"(?:\+86|0)((?:10|[2-9]\d)\d{7,9}|1[3-9]\d{9})|(1[3-9]\d{9})")
"""With 86, with the 0 of the trunk, or a bare mobile: what nearly everybody writes."""


@dataclass(frozen=True, slots=True)
class NumberPlan:
    """How numbers without country or area code are read at this hospital."""

    country: str = "CN"
    area_code: str = ""
    international_prefix: str = "00"

    def normalise(self, raw: str | None) -> str | None:
        """E.164 (``+8613800000001``) or None when withheld, hostile, too long or no number of any country.

        Never raises: a caller's number is outside input, and a call must go on without it.
        Also understands the ``0`` that Chinese exchanges put before a mobile number of another city, and ``00``.
        """
        text = (raw or "").strip()
        if self.country == "CN" and (usual := _usual_chinese(text)):
            return usual
        if text.lower() in _WITHHELD or not _ALLOWED.match(text):
            return None
        digits = text.translate(_PUNCTUATION)
        if digits.startswith("00"):
            digits = "+" + digits[2:]
        if self.country == "CN" and re.fullmatch(r"01[3-9]\d{9}", digits):
            digits = digits[1:]
        if self.area_code and re.fullmatch(r"[2-9]\d{6,7}", digits):
            digits = self.area_code + digits
        if self.country == "CN" and (usual := _usual_chinese(digits)):
            return usual
        return parsed_e164(digits, self.country)

    def to_dial(self, e164: str) -> str:
        """Digits as the trunk takes them: national (with the area's 0) within the country, else prefixed.

        Raises ValueError for what is no E.164 number.
        """
        try:
            parsed = phonenumbers.parse(e164)
        except phonenumbers.NumberParseException as error:
            raise ValueError("no E.164 number") from error
        if phonenumbers.region_code_for_number(parsed) == self.country:
            return re.sub(r"[^0-9]", "", phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL))
        return self.international_prefix + e164.removeprefix("+")


def parsed_e164(digits: str, country: str) -> str | None:
    """What libphonenumber makes of ``digits`` (perhaps with a ``+``) in ``country``; None for no valid number.

    It takes a tenth of a millisecond: too much for each of a million rows, and for each call.
    """
    try:
        parsed = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return e164 if len(e164) <= 16 and phonenumbers.is_valid_number(parsed) else None


def _usual_chinese(digits: str) -> str | None:
    """E.164 of a number that needs no parser, the same as :func:`parsed_e164`; None for any other."""
    match = _USUAL_CHINESE.fullmatch(digits)
    national = match and (match[1] or match[2])
    return f"+86{national}" if national and _chinese_numbers().fullmatch(national) else None


@cache
def _chinese_numbers() -> re.Pattern[str]:
    """libphonenumber's own patterns of mobiles and land lines: what they match, it takes for valid."""
    metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region("CN")
    return re.compile(f"{metadata.mobile.national_number_pattern}|{metadata.fixed_line.national_number_pattern}")


def masked(e164: str | None) -> str:
    """For people who may not see the whole number: ``+86138****0001``, or ``-`` without one."""
    if not e164:
        return "-"
    return f"{e164[:6]}****{e164[-4:]}" if len(e164) >= 11 else f"{e164[:3]}****"
