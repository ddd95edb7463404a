"""The standard set of alarm rules. It is made when an engine begins; each may be changed or switched off."""

from typing import Any

from callcenter.supervision.alarm_measures import Measure


def _rule(
    measure: Measure,
    label_zh: str,
    label_en: str,
    threshold: float,
    *,
    clear: float,
    comparison: str = "above",
    for_seconds: float = 0,
    clear_seconds: float = 10,
    level: str = "warning",
    window_minutes: int = 30,
    minimum_calls: int = 1,
    scope: tuple[str, ...] = (),
) -> dict[str, Any]:
    return {
        "label_zh": label_zh,
        "label_en": label_en,
        "measure": measure.value,
        "comparison": comparison,
        "threshold": threshold,
        "for_seconds": for_seconds,
        "clear_threshold": clear,
        "clear_seconds": clear_seconds,
        "window_minutes": window_minutes,
        "minimum_calls": minimum_calls,
        "level": level,
        "scope": list(scope),
        "tell_roles": [],
        "tell_users": [],
        "mail_to": [],
        "webhooks": [],
        "enabled": True,
    }


SHIPPED: dict[str, dict[str, Any]] = {
    "longest-wait": _rule(Measure.LONGEST_WAIT, "有人等待过久", "Somebody waits too long", 120, clear=60),
    "waiting-callers": _rule(
        Measure.WAITING_CALLERS, "等待人数过多", "Too many callers wait", 10, clear=6, for_seconds=5, clear_seconds=15
    ),
    "service-level": _rule(
        Measure.SERVICE_LEVEL, "服务水平过低", "The service level is low", 80, clear=85,
        comparison="below", for_seconds=60, clear_seconds=60, minimum_calls=10,
    ),
    "abandon-rate": _rule(
        Measure.ABANDON_RATE, "放弃率过高", "Too many callers give up", 10, clear=8,
        for_seconds=60, clear_seconds=60, minimum_calls=10,
    ),
    "nobody-available": _rule(
        Measure.UNATTENDED_CALLERS, "有来电等待，但无坐席可用", "Callers wait and no agent is available", 0, clear=0,
        clear_seconds=3, level="critical",
    ),
    "expert-line-unanswered": _rule(
        Measure.UNANSWERED_CALLS, "专家热线无人接听", "The expert line was not answered", 0, clear=0, clear_seconds=0,
        window_minutes=15, scope=("expert",),
    ),
    "trunk-down": _rule(
        Measure.TRUNK_DOWN, "中继线路中断", "The trunk does not answer", 0, clear=0, for_seconds=2, level="critical"
    ),
    "pbx-lost": _rule(
        Measure.PBX_AWAY, "与电话交换机失去联系", "Asterisk cannot be reached", 3, clear=0,
        clear_seconds=3, level="critical",
    ),
    "ledger-lag": _rule(
        Measure.LEDGER_LAG, "话单入库延迟", "The ledger is read late", 60, clear=5, level="critical"
    ),
    "disk": _rule(
        Measure.DISK_FREE, "磁盘空间不足", "A disk is nearly full", 10, clear=15,
        comparison="below", clear_seconds=60, level="critical",
    ),
    "emergency": _rule(
        Measure.EVENT, "来电者紧急求助", "A caller asks for help", 0, clear=0, level="info", scope=("emergency",)
    ),
    "critical-events": _rule(
        Measure.EVENT, "严重事件", "Critical events", 0, clear=0, level="critical"
    ),
}  # fmt: skip
