"""Errors of alarms."""

from callcenter.core.errors import NotFound


class AlarmNotFound(NotFound):
    code = "alarm-not-found"
    title_en, title_zh = "There is no such alarm.", "未找到该告警。"
