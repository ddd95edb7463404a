"""Change the language of what the caller hears."""

from typing import Literal

from callcenter.ivr.call import CallContext
from callcenter.ivr.steps.base import NEXT, OneWayStep


class Language(OneWayStep):
    """Prompts, and Asterisk's own announcements in queues, are in this language from now on.

    ``other``: whichever of the two it is not now. ``english: {language: en, next: menu}``
    """

    kind = "language"

    language: Literal["zh", "en", "other"]

    async def run(self, call: CallContext) -> str:
        if self.language == "other":
            await call.line.set_language("zh" if call.line.language == "en" else "en")
        else:
            await call.line.set_language(self.language)
        return NEXT
