"""How an article is heard, whichever way the caller found it."""

from callcenter.asterisk import variables
from callcenter.ivr.articles import SpokenArticle
from callcenter.ivr.call import CallContext

HEARD, BACK, PERSON = "heard", "back", "person"
WAYS_OUT = {"*": BACK, "0": PERSON}
"""Keys that lead elsewhere, during an article and before."""

_AFTERWARDS_SECONDS = 1
"""For a key pressed at the very end."""


async def play_article(call: CallContext, article: SpokenArticle) -> str:
    """Title and text, cut short by any key: the key, or ``""``. The ledger is told which article it was."""
    await call.line.event(variables.EVENT_ARTICLE, {"article": str(article.id)})
    return await call.line.ask_key([article.title, article.body], _AFTERWARDS_SECONDS)
