"""Errors of campaigns."""

from callcenter.core.errors import Conflict, InvalidInput, NotFound


class CampaignNotFound(NotFound):
    code = "campaign-not-found"
    title_en, title_zh = "There is no such campaign.", "未找到该外呼任务。"


class ContactNotFound(NotFound):
    code = "contact-not-found"
    title_en, title_zh = "There is no such contact.", "未找到该联系人。"


class CampaignChanged(Conflict):
    """``version``: the one that stands."""

    code = "campaign-changed"
    title_en, title_zh = "Somebody has changed the campaign meanwhile.", "该外呼任务已被他人修改。"


class CampaignOver(Conflict):
    code = "campaign-over"
    title_en, title_zh = "The campaign is over: nothing of it can be changed.", "该外呼任务已结束，无法修改。"


class WrongCampaignState(Conflict):
    """``state``: the one it is in."""

    code = "wrong-campaign-state"
    title_en, title_zh = "In its state the campaign cannot do this.", "外呼任务当前状态不允许此操作。"


class InvalidCampaign(InvalidInput):
    """``reason``: ``caller_id``, ``flow``, ``zone``, ``queue``, ``texts`` (no text for a channel, or for what
    the flow says), ``channels`` (one stands twice), ``validity``, ``email`` and ``sms`` (no server is set).
    """

    code = "invalid-campaign"
    title_en, title_zh = "The campaign cannot be carried out as it is.", "该外呼任务的设置无法执行。"


class UnknownVariable(InvalidInput):
    """``names``: in the texts, and not among what is known of the contact."""

    code = "unknown-variable"
    title_en, title_zh = "A text names something that the contact does not have.", "文本中引用了联系人没有的变量。"


class ImportNotFound(NotFound):
    code = "campaign-import-not-found"
    title_en, title_zh = "The campaign has no such import.", "该外呼任务没有此导入记录。"


class AudienceNotFound(NotFound):
    code = "campaign-audience-not-found"
    title_en, title_zh = "The campaign looks for nobody by itself.", "该外呼任务没有设置自动名单。"


class NothingOffered(Conflict):
    code = "nothing-offered"
    title_en, title_zh = "No contact is offered to you, or no longer.", "当前没有为您预览的联系人，或已失效。"


class AgentIsBusy(Conflict):
    code = "agent-is-busy"
    title_en, title_zh = "First end what goes on at your telephone.", "请先结束当前的通话。"


class CallersWait(Conflict):
    code = "callers-wait"
    title_en, title_zh = "People who phoned are waiting: they come first.", "有来电正在排队，请先接听来电。"
