"""Errors of what agents do with their calls."""

from callcenter.core.errors import Conflict, InvalidInput


class NoLiveCall(Conflict):
    code = "no-live-call"
    title_en, title_zh = "You have no call now.", "您当前没有通话。"


class WrongCallState(Conflict):
    """``state``: of the call; ``wanted``: in which this can be done."""

    code = "wrong-call-state"
    title_en, title_zh = "This cannot be done with the call as it is now.", "通话当前状态不支持此操作。"


class AlreadyOnCall(Conflict):
    code = "already-on-call"
    title_en, title_zh = "Your telephone is in use.", "您的话机正在使用中。"


class AgentNotFree(Conflict):
    """Not logged in, at a telephone that is away, on another call, or not to be given this call."""

    code = "agent-not-free"
    title_en, title_zh = "This agent cannot take a call now.", "该坐席目前无法接听。"


class NumberNotDialled(InvalidInput):
    """``reason``: callouts.policy.Refusal."""

    code = "number-not-dialled"
    title_en, title_zh = (
        "This number is not dialled: mobile and landline numbers of this country are, and what the hospital allows.",
        "不能拨打该号码：只能拨打本国的手机或固定电话，以及医院允许的号码。",
    )
