"""Chinese numbers as they are said."""

DIGITS = "零一二三四五六七八九"
_UNITS = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿")

LONGEST = 12
"""More digits than these are read one by one."""


def number(digits: str) -> str:
    """A whole number, at most LONGEST digits: 一百一十, 一万零三百, 两千零五.

    2 is 两 before 千, 万 and 亿, and 二 elsewhere (现代汉语八百词, 二 and 两).
    """
    value = digits.lstrip("0")
    if not value:
        return DIGITS[0]
    groups = [value[max(0, end - 4) : end] for end in range(len(value), 0, -4)][::-1]
    said = ""
    is_zero_due = False
    for index, group in enumerate(groups):
        words = _group(group.lstrip("0"))
        if not words:
            is_zero_due = bool(said)
            continue
        if said and (is_zero_due or group.startswith("0")):
            said += DIGITS[0]
        is_zero_due = False
        suffix = _GROUPS[len(groups) - 1 - index]
        said += ("两" if words == "二" and suffix else words) + suffix
    return said.removeprefix("一") if said.startswith("一十") else said


def _group(digits: str) -> str:
    """Up to four digits without leading zeros: 一千零五, 一百一十."""
    said = ""
    is_zero_due = False
    for index, digit in enumerate(digits):
        unit = _UNITS[len(digits) - 1 - index]
        if digit == "0":
            is_zero_due = True
            continue
        if is_zero_due:
            said += DIGITS[0]
            is_zero_due = False
        said += ("两" if digit == "2" and unit == "千" else DIGITS[int(digit)]) + unit
    return said


def digit_by_digit(digits: str, one: str = "一") -> str:
    """``one``: 幺 in telephone numbers."""
    return "".join(one if digit == "1" else DIGITS[int(digit)] for digit in digits)


def decimal(text: str) -> str:
    """A number with or without a point, thousands separated by commas or not, with or without a minus."""
    sign = "负" if text.startswith("-") else ""
    whole, _, fraction = text.lstrip("-").replace(",", "").partition(".")
    said = number(whole) if len(whole) <= LONGEST else digit_by_digit(whole)
    return f"{sign}{said}点{digit_by_digit(fraction)}" if fraction else f"{sign}{said}"
