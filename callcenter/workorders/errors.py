"""Errors of work orders."""

from callcenter.core.errors import Conflict, Forbidden, InvalidInput, NotFound


class WorkOrderNotFound(NotFound):
    """Also when the asker may not see it: its existence is not told."""

    code = "work-order-not-found"
    title_en, title_zh = "There is no such work order.", "未找到该工单。"


class WorkOrderClosed(Conflict):
    code = "work-order-closed"
    title_en, title_zh = "The work order is closed.", "该工单已关闭。"


class WorkOrderTaken(Conflict):
    code = "work-order-taken"
    title_en, title_zh = "Somebody else has taken the work order.", "该工单已由他人受理。"


class NotYourWork(Forbidden):
    """It may be seen, not handled: complaints are answered by supervisors and quality."""

    code = "not-your-work"
    title_en, title_zh = "This kind of work order is handled by others.", "此类工单由其他人员处理。"


class UnknownCategory(InvalidInput):
    """Or one that is switched off."""

    code = "unknown-category"
    title_en, title_zh = "There is no such category.", "没有这个工单分类。"


class CategoryCycle(Conflict):
    code = "category-cycle"
    title_en, title_zh = "A category cannot be a part of itself.", "分类不能隶属于自身。"
