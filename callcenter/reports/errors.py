"""Errors of reports."""

from callcenter.core.errors import InvalidInput


class InvalidReportPeriod(InvalidInput):
    code = "invalid-report-period"
    title_en, title_zh = (
        "The period must have an end after its start, both in this century or the next.",
        "起止时间无效：结束必须晚于开始，且在合理年份内。",
    )


class TooManyIntervals(InvalidInput):
    """``most``: how many intervals a report may have."""

    code = "too-many-intervals"
    title_en, title_zh = (
        "The period has too many of these intervals; choose longer ones or a shorter period.",
        "统计时段过多，请选择更长的间隔或更短的期间。",
    )
