"""Cells of files that people open in a spreadsheet (OWASP: CSV injection)."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A text that begins with one of these is a formula to a spreadsheet."""


def cell(value: object) -> str:
    """What a spreadsheet shows as it stands: texts that look like formulas get an apostrophe."""
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA_STARTS) else text
