"""How an English text is read aloud: figures become words, so that every engine says the same."""

import re
from collections.abc import Callable

SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_GROUPS = ("", "thousand", "million", "billion")
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
LONGEST = 12
"""More digits than these are read one by one."""

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_RANGE = r"\s*[-~–—]\s*"
_UNITS = {
    "mmol/L": "millimoles per litre",
    "mmHg": "millimetres of mercury",
    "mg": "milligrams",
    "kg": "kilograms",
    "ml": "millilitres",
    "mL": "millilitres",
    "mm": "millimetres",
    "cm": "centimetres",
    "km": "kilometres",
    "°C": "degrees Celsius",
    "℃": "degrees Celsius",
    "g": "grams",
    "min": "minutes",
    "h": "hours",
}
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_TELEPHONE_WORD = (
    r"\b(?:call|dial|phone|telephone|tel\.?|hotline|fax|extension|ext\.?)(?: number)?[: ]{1,2}(?:us at |on |at |is )?"
)
_CODE_WORD = r"\b(?:card|code|room|ward|number|no\.)[: ]{1,2}"


def number(digits: str) -> str:
    """A whole number of at most LONGEST digits: 1204 is "one thousand two hundred four"."""
    value = int(digits)
    if value == 0:
        return SMALL[0]
    words: list[str] = []
    for index in range(len(_GROUPS) - 1, -1, -1):
        group = value // 1000**index % 1000
        if group:
            words += [*_group(group), *([_GROUPS[index]] if index else [])]
    return " ".join(words)


def _group(value: int) -> list[str]:
    hundreds, rest = divmod(value, 100)
    words = [SMALL[hundreds], "hundred"] if hundreds else []
    if 0 < rest < 20:
        words.append(SMALL[rest])
    elif rest:
        tens, ones = divmod(rest, 10)
        words.append(f"{TENS[tens]}-{SMALL[ones]}" if ones else TENS[tens])
    return words


def ordinal(digits: str) -> str:
    """21 is twenty-first."""
    head, separator, last = re.fullmatch(r"(.*?)([ -]?)([a-z]+)", number(digits)).groups()  # type: ignore[union-attr]
    last = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return f"{head}{separator}{last}"


def digit_by_digit(digits: str) -> str:
    return " ".join(SMALL[int(digit)] for digit in digits)


def decimal(text: str) -> str:
    """A number with or without a point, commas and a minus."""
    sign = "minus " if text.startswith("-") else ""
    whole, _, fraction = text.lstrip("-").replace(",", "").partition(".")
    said = number(whole) if len(whole) <= LONGEST else digit_by_digit(whole)
    return f"{sign}{said} point {digit_by_digit(fraction)}" if fraction else f"{sign}{said}"


def spoken_en(text: str) -> str:
    """``text`` without figures. What is not understood is read as a plain number, never left out."""
    for pattern, words in _READINGS:
        text = pattern.sub(words, text)
    return text


# -- each kind of figure


def _year(digits: str) -> str:
    """2026 is twenty twenty-six, 2005 two thousand five, 1900 nineteen hundred."""
    century, rest = digits[:2], digits[2:]
    if digits[1] == "0" and int(rest) < 10:
        return number(digits)
    if rest == "00":
        return f"{number(century)} hundred"
    return f"{number(century)} {'oh ' if rest[0] == '0' else ''}{number(rest)}"


def _date(found: re.Match[str]) -> str:
    month, day = int(found["month"]), int(found["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return found.group()
    return f"{_MONTHS[month - 1]} {ordinal(str(day))}, {_year(found['year'])}"


def _clock(hour: str, minute: str) -> str:
    """14:05 is two oh five p.m., 8:00 is eight a.m., 12:00 is noon."""
    of_day = int(hour) % 24
    if int(minute) == 0 and of_day in (0, 12):
        return "noon" if of_day == 12 else "midnight"
    said = number(str((of_day - 1) % 12 + 1))
    if int(minute):
        said += f" {'oh ' if int(minute) < 10 else ''}{number(minute)}"
    return f"{said} {'a.m.' if of_day < 12 else 'p.m.'}"


def _time(found: re.Match[str]) -> str:
    said = _clock(found["hour"], found["minute"])
    return f"{said} to {_clock(found['to_hour'], found['to_minute'])}" if found["to_hour"] else said


def _twelve_hours(found: re.Match[str]) -> str:
    said = _clock(found["hour"], found["minute"])
    return f"{said.rsplit(' ', 1)[0] if ' ' in said else 'twelve'} {found['half'][0].lower()}.m."


def _money(found: re.Match[str]) -> str:
    return f"{decimal(found['amount'].removesuffix('.00'))} yuan"


def _percent(found: re.Match[str]) -> str:
    said = decimal(found["from"])
    return f"{said} to {decimal(found['to'])} percent" if found["to"] else f"{said} percent"


def _telephone(found: re.Match[str]) -> str:
    return found["word"] + ", ".join(digit_by_digit(group) for group in re.findall(r"\d+", found["digits"]))


def _code(found: re.Match[str]) -> str:
    return found["word"] + digit_by_digit(found["digits"].replace(" ", ""))


def _range(found: re.Match[str]) -> str:
    return f"{decimal(found['from'])} to {found['to']}"


def _unit(found: re.Match[str]) -> str:
    words = _UNITS[found["unit"]]
    return f"{decimal(found['amount'])} {_singular(words) if found['amount'] == '1' else words}"


def _singular(words: str) -> str:
    first, space, rest = words.partition(" ")
    return first.removesuffix("s") + space + rest


_Words = Callable[[re.Match[str]], str]
_READINGS: list[tuple[re.Pattern[str], _Words]] = [
    (re.compile(r"(?<![\d.])(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})(?![\d.]?\d)"), _date),
    (
        re.compile(r"(?<![\d:])(?P<hour>0?[1-9]|1[0-2]):(?P<minute>[0-5]\d) ?(?P<half>[ap]\.?m\b\.?)", re.IGNORECASE),
        _twelve_hours,
    ),
    (
        re.compile(
            rf"(?<![\d:])(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)"
            rf"(?:{_RANGE}(?P<to_hour>[01]?\d|2[0-4]):(?P<to_minute>[0-5]\d))?(?![\d:])"
        ),
        _time,
    ),
    (re.compile(rf"(?:[¥￥]\s*|(?:RMB|CNY)\s*)(?P<amount>{_NUMBER})(?: ?yuan)?"), _money),
    (re.compile(rf"(?P<from>{_NUMBER})%?(?:{_RANGE}(?P<to>{_NUMBER}))?\s*%"), _percent),
    (
        re.compile(rf"(?P<word>{_TELEPHONE_WORD})(?P<digits>\d{{3,}}(?:[- ]\d{{3,}}){{0,3}})", re.IGNORECASE),
        _telephone,
    ),
    (
        re.compile(
            r"(?P<word>)(?<![\d.])"
            r"(?P<digits>1[3-9]\d(?:[- ]?\d{4}){2}|0\d{2,3}[- ]\d{7,8}|[48]00[- ]\d{3}[- ]\d{4})(?!\d)"
        ),
        _telephone,
    ),
    (re.compile(rf"(?P<word>{_CODE_WORD})(?P<digits>\d{{3,}}(?: \d+)*)", re.IGNORECASE), _code),
    (re.compile(r"(?P<word>)(?<![\d.,])(?P<digits>0\d+|\d{9,})(?![\d.,]?\d)"), _code),
    (re.compile(rf"(?<![\d.])(?P<from>{_NUMBER}){_RANGE}(?P<to>(?:{_NUMBER})(?![\d-]))"), _range),
    (re.compile(rf"(?<![\d.])(?P<amount>{_NUMBER})\s*(?P<unit>{_UNIT})(?![A-Za-z/])"), _unit),
    (re.compile(r"(?<![\d.,])(?P<digits>\d+)(?:st|nd|rd|th)\b"), lambda found: ordinal(found["digits"])),
    (re.compile(rf"(?<![\w.)-])-(?:{_NUMBER})|{_NUMBER}"), lambda found: decimal(found.group())),
    (re.compile(r"#(?: key)?"), lambda _found: "the pound key"),
    (re.compile(r"\*(?: key)?"), lambda _found: "the star key"),
]
