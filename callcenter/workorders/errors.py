"""Errors of work orders."""

from callcenter.core.errors import Conflict, NotFound


class WorkOrderNotFound(NotFound):
    """Also when the asker may not see it: its existence is not told."""

    code = "work-order-not-found"
    title_en, title_zh = "There is no such work order.", "未找到该工单。"


class WorkOrderClosed(Conflict):
    code = "work-order-closed"
    title_en, title_zh = "The work order is closed.", "该工单已关闭。"
