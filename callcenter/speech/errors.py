"""What can go wrong with what is spoken."""

from callcenter.core.errors import InvalidInput


class InvalidSpokenText(InvalidInput):
    """``details`` name the slot, and the language where it is one text's fault."""

    code = "invalid-spoken-text"
    title_en, title_zh = "This text cannot be spoken.", "该文本无法朗读。"
