"""How a text is read aloud: numbers, money, dates, telephone numbers and names become the words that are said.

Applied to every text before any engine speaks it, so that all of them say the same, whatever they know of figures.
"""

from callcenter.speech.languages import Language
from callcenter.speech.spoken_en import spoken_en
from callcenter.speech.spoken_zh import spoken_zh


def spoken_form(text: str, language: Language) -> str:
    """``text`` in words; what holds no figures and no names stays as it is."""
    return spoken_zh(text) if language == "zh" else spoken_en(text)
