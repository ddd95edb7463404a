"""What can go wrong with what is spoken."""

from callcenter.core.errors import InvalidInput, Unavailable


class InvalidSpokenText(InvalidInput):
    """``details`` name the slot, and the language where it is one text's fault."""

    code = "invalid-spoken-text"
    title_en, title_zh = "This text cannot be spoken.", "该文本无法朗读。"


class SpeechFailed(Unavailable):
    """An engine did not speak the text; the message says why, without the text."""

    code = "speech-failed"
    title_en, title_zh = "The speech engine did not speak the text.", "语音引擎未能朗读该文本。"
