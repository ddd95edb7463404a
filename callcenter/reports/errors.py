"""Errors of reports."""

from callcenter.core.errors import InvalidInput


class InvalidReportPeriod(InvalidInput):
    code = "invalid-report-period"
    title_en, title_zh = "The period must have an end after its start.", "结束时间必须晚于开始时间。"


class TooManyIntervals(InvalidInput):
    """``most``: how many intervals a report may have."""

    code = "too-many-intervals"
    title_en, title_zh = (
        "The period has too many of these intervals; choose longer ones or a shorter period.",
        "统计时段过多，请选择更长的间隔或更短的期间。",
    )
