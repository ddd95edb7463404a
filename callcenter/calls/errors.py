"""Errors of calls and their ledger."""

from callcenter.core.errors import Conflict, InvalidInput, NotFound


class CallNotFound(NotFound):
    """Also when the asker may not see it: its existence is not told."""

    code = "call-not-found"
    title_en, title_zh = "There is no such call.", "未找到该通话。"


class InvalidPeriod(InvalidInput):
    code = "invalid-period"
    title_en, title_zh = "The period must have an end after its start.", "结束时间必须晚于开始时间。"


class LedgerOutOfStep(Conflict):
    """Reader and database disagree how far a file was read: read again from the database's offset."""

    code = "ledger-out-of-step"
    title_en, title_zh = "The ledger was read by someone else.", "账本读取位置不一致。"
