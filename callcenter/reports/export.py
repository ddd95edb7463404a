"""Workload as a file: which columns it has."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

from callcenter.agents.models import PauseReason
from callcenter.core import table_files
from callcenter.core.table_files import Value
from callcenter.reports.service import WorkloadRow

Column = table_files.Column[WorkloadRow]


def title(language: str) -> str:
    """Of the sheet."""
    return "Workload" if language == "en" else "工作量"


def columns_of(reasons: Iterable[PauseReason], zone: ZoneInfo, *, by_agent: bool, by_queue: bool) -> tuple[Column, ...]:
    """Of a report grouped like this; one for each reason to pause."""
    return (
        Column("开始", "From", lambda row: row.start.astimezone(zone)),
        Column("结束", "Until", lambda row: row.end.astimezone(zone)),
        *(_OF_AGENT if by_agent else ()),
        *(_OF_QUEUE if by_queue else ()),
        Column("签入时长", "Logged in", lambda row: row.sums.logged_in, is_duration=True),
        Column("可接听时长", "Available", lambda row: row.sums.available, is_duration=True),
        Column("小休时长", "Paused", lambda row: sum(row.sums.paused.values(), timedelta()), is_duration=True),
        Column("其中：未就绪", "Paused: not yet available", _paused_for(None), is_duration=True),
        *(
            Column(f"其中：{reason.label_zh}", f"Paused: {reason.label_en}", _paused_for(reason.code), is_duration=True)
            for reason in reasons
        ),
        *_REST,
    )


def _paused_for(code: str | None) -> Callable[[WorkloadRow], Value]:
    return lambda row: row.sums.paused.get(code, timedelta())


_OF_AGENT = (
    Column("工号", "Agent", lambda row: row.person.number if row.person else None),
    Column("姓名", "Name", lambda row: row.person.display_name if row.person else None),
)
_OF_QUEUE = (Column("队列", "Queue", lambda row: row.queue_name),)
_REST = (
    Column("振铃时长", "Ringing", lambda row: row.sums.ringing, is_duration=True),
    Column("通话时长", "Talking", lambda row: row.sums.talk, is_duration=True),
    Column("保持时长", "On hold", lambda row: row.sums.hold, is_duration=True),
    Column("话后处理时长", "Wrap-up", lambda row: row.sums.wrap_up, is_duration=True),
    Column("无记录时长", "Unobserved", lambda row: row.sums.unobserved, is_duration=True),
    Column("分配来电", "Offered", lambda row: row.sums.offered),
    Column("接听", "Answered", lambda row: row.sums.answered),
    Column("漏接", "Missed", lambda row: row.sums.missed),
    Column("撤回（对方先挂断或他人接听）", "Withdrawn", lambda row: row.sums.withdrawn),
    Column("转接", "Transferred", lambda row: row.sums.transferred),
    Column("评分次数", "Marks", lambda row: row.sums.rated),
    Column("平均评分", "Average mark", lambda row: row.sums.average_rating),
    Column("受理工单", "Work orders taken", lambda row: row.sums.work_orders_taken),
    Column("办结工单", "Work orders closed", lambda row: row.sums.work_orders_closed),
)
