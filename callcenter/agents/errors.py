"""What can go wrong with agents and seats."""

from callcenter.core.errors import Conflict, Forbidden, InvalidInput, NotAuthenticated, NotFound


class AgentNotFound(NotFound):
    code = "agent-not-found"
    title_en, title_zh = "There is no such agent.", "没有这个坐席人员。"


class SeatNotFound(NotFound):
    code = "seat-not-found"
    title_en, title_zh = "There is no such seat.", "没有这个座席。"


class SeatTaken(Conflict):
    code = "seat-taken"
    title_en, title_zh = "Another agent sits at this seat.", "该座席已被其他人员使用。"


class NotLoggedIn(Conflict):
    code = "agent-not-logged-in"
    title_en, title_zh = "Log in at a seat first.", "请先在座席签入。"


class UnknownPauseReason(InvalidInput):
    code = "unknown-pause-reason"
    title_en, title_zh = "There is no such pause reason.", "没有这个小休原因。"


class WrongPin(Forbidden):
    code = "wrong-pin"
    title_en, title_zh = "Agent number or PIN is wrong.", "工号或密码不正确。"


class AgentExists(Conflict):
    code = "agent-exists"
    title_en, title_zh = "An agent with this number exists already.", "该工号已存在。"


class SeatExists(Conflict):
    code = "seat-exists"
    title_en, title_zh = "A seat with this name exists already.", "该座席已存在。"


class TicketRefused(NotAuthenticated):
    code = "ticket-refused"
    title_en, title_zh = "This ticket was used, is too old, or never was.", "连接凭证无效或已过期。"


class NotInWrapUp(Conflict):
    code = "not-in-wrap-up"
    title_en, title_zh = "The agent is not in wrap-up.", "该坐席不在话后处理状态。"


class TelephoneAway(Conflict):
    code = "telephone-away"
    title_en = "The telephone of your seat is not registered: connect it first."
    title_zh = "座席话机未注册，请先连接话机。"


class SkillNotFound(NotFound):
    code = "skill-not-found"
    title_en, title_zh = "There is no such skill.", "没有这项技能。"
