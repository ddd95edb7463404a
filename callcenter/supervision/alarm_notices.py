"""What a notification says: Chinese first. Never whom a call was about: others read mail and webhooks, too."""

from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from callcenter.alarms.titles import titles_of
from callcenter.core.alarms import Alarm

Happening = Literal["raised", "cleared"]

_LEVELS = {"info": ("提示", "info"), "warning": ("警告", "warning"), "critical": ("严重", "critical")}
_HAPPENINGS = {"raised": ("告警", "Alarm"), "cleared": ("告警解除", "Alarm cleared")}
_TOLD = ("measure", "subject", "value", "threshold", "unit")
"""Of the details of an alarm that a rule raised. Of any other nothing is told: they hold ids of calls and patients."""


@dataclass(frozen=True, slots=True)
class Notice:
    """``body``: of a webhook."""

    subject: str
    text: str
    body: dict[str, Any]


def notice_of(alarm: Alarm, happening: Happening, zone: ZoneInfo) -> Notice:
    """Pure."""
    title_zh, title_en = titles_of(alarm.kind, alarm.details)
    facts = {name: alarm.details[name] for name in _TOLD if name in alarm.details} if alarm.rule_id else {}
    subject = str(facts.get("subject", ""))
    word_zh, word_en = _HAPPENINGS[happening]
    level_zh, level_en = _LEVELS.get(alarm.severity, (alarm.severity, alarm.severity))
    at = alarm.cleared_at if happening == "cleared" and alarm.cleared_at else alarm.last_at
    shown_at = at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    measured = _measured(facts)
    lines = [
        f"【{word_zh}·{level_zh}】{title_zh}{f'（{subject}）' if subject else ''}",
        *([f"当前值 {measured}"] if measured else []),
        f"时间：{shown_at}",
        f"编号：{alarm.id}",
        "",
        f"{word_en} ({level_en}): {title_en}{f' ({subject})' if subject else ''}",
        *([f"value {measured}"] if measured else []),
        f"at {shown_at} ({zone.key}), alarm {alarm.id}",
    ]
    return Notice(
        subject=f"[{word_zh}·{level_zh}] {title_zh}{f' {subject}' if subject else ''} / {title_en}",
        text="\n".join(lines) + "\n",
        body={
            "event": happening,
            "alarm_id": alarm.id,
            "kind": alarm.kind,
            "level": alarm.severity,
            "title_zh": title_zh,
            "title_en": title_en,
            "rule": alarm.rule_id,
            "raised_at": alarm.raised_at.isoformat(),
            "at": at.isoformat(),
            **facts,
        },
    )


def _measured(facts: dict[str, Any]) -> str:
    if facts.get("value") is None:
        return ""
    return f"{facts['value']:g} ({facts.get('threshold', 0):g})"
