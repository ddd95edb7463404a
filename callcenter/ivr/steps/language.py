"""Change the language of what the caller hears."""

from callcenter.ivr.call import CallContext
from callcenter.ivr.prompts import Language as SpokenLanguage
from callcenter.ivr.steps.base import NEXT, OneWayStep


class Language(OneWayStep):
    """Prompts, and Asterisk's own announcements in queues, are in this language from now on.

    ``english: {language: en, next: menu}``
    """

    kind = "language"

    language: SpokenLanguage

    async def run(self, call: CallContext) -> str:
        await call.line.set_language(self.language)
        return NEXT
