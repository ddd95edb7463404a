"""Errors of call-backs."""

from callcenter.core.errors import Conflict, InvalidInput, NotFound


class CallbackNotFound(NotFound):
    """Also when it is of a queue that the asker does not steer."""

    code = "callback-not-found"
    title_en, title_zh = "There is no such call-back.", "未找到该回电。"


class CallbackOver(Conflict):
    code = "callback-over"
    title_en, title_zh = "The call-back is over.", "该回电已结束。"


class CallbackBeingDialled(Conflict):
    code = "callback-being-dialled"
    title_en, title_zh = "The patient is being dialled now.", "正在拨打该患者的电话。"


class CallbackNotUnknown(Conflict):
    code = "callback-not-unknown"
    title_en, title_zh = (
        "Only a call-back with an unknown result is tried again by hand.",
        "只有结果未知的回电才能人工重试。",
    )


class CallbackRefused(Conflict):
    """``reason``: ``queue`` (it grants none, or no more), ``caller_limit`` (too many of one line), ``open`` (another
    one to this number is), ``did`` (no number of ours to show).
    """

    code = "callback-refused"
    title_en, title_zh = "This call-back cannot be arranged.", "无法安排此回电。"


class NumberNotCallable(InvalidInput):
    """Not even shown back: it may be anybody's. ``reason``: callouts.policy.Refusal, or ``ours``."""

    code = "number-not-callable"
    title_en, title_zh = (
        "This number is not called: mobile and landline numbers of this country are, and what the hospital allows.",
        "不能回拨该号码：只能回拨本国的手机或固定电话，以及医院允许的号码。",
    )
