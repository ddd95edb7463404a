"""Errors of calls out."""

from callcenter.core.errors import Conflict, InvalidInput, NotFound


class PrefixNotFound(NotFound):
    code = "prefix-not-found"
    title_en, title_zh = "There is no rule for this prefix.", "没有针对该号码前缀的规则。"


class OnDoNotCallList(Conflict):
    """``since`` when it stands there; a member of staff may ask again with a confirmation."""

    code = "do-not-call"
    title_en, title_zh = (
        "This number is on the do-not-call list. Call only if you are sure.",
        "该号码在免打扰名单中，确认后方可拨打。",
    )


class DoNotCallEntryNotFound(NotFound):
    code = "do-not-call-entry-not-found"
    title_en, title_zh = "There is no such entry.", "未找到该免打扰记录。"


class DoNotCallEntryOver(Conflict):
    code = "do-not-call-entry-over"
    title_en, title_zh = "The entry was taken back before.", "该免打扰记录已被撤销。"


class NumberNotReadable(InvalidInput):
    code = "unreadable-number"
    title_en, title_zh = "This is no telephone number.", "无法识别该电话号码。"
