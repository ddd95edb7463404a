"""What the kinds of alarms say to people: title in Chinese and English. What to do about each: docs/operations.md."""

from collections.abc import Mapping

KIND_TITLES: Mapping[str, tuple[str, str]] = {
    "agent_missed_calls": ("坐席多次未接来电，已自动小休", "An agent let calls ring out and was paused"),
    "call_not_derived": ("有一通电话的记录无法生成", "The record of a call could not be made"),
    "callback_unknown": ("回电结果未知，需人工确认", "Whether a call-back reached the patient is not known"),
    "campaign_attempt_unknown": (
        "外呼结果未知，不会自动重拨",
        "Whether a campaign's call was heard is not known",
    ),
    "clock_stepped": ("服务器时钟被调整", "The machine's clock was set"),
    "code_budget_used_up": ("校验码错误次数过多，已暂停校验", "Too many wrong check codes: none is taken for now"),
    "emergency": ("来电者紧急求助", "A caller asks for help"),
    "flow_refused": ("呼叫流程或语音有误，仍使用上一版本", "A changed call flow has faults; the last good one stays"),
    "holiday_list_missing": ("节假日安排尚未公布或缺失", "The list of public holidays is missing or preliminary"),
    "ledger_bad_line": ("话单中有无法读取的行", "A line of the ledger could not be read"),
    "ledger_gap": ("话单缺失", "Records are missing in the ledger"),
    "ledger_handler_failed": ("话单事件处理失败", "What the ledger told could not be acted upon"),
    "ledger_lines_lost": ("部分通话的话单不完整", "The last lines of some calls never came"),
    "ledger_silent": ("通话未写入话单", "Asterisk has calls that it does not write down"),
    "login_guessing": ("有人反复尝试登录密码", "Somebody guesses passwords of the service"),
    "message_not_delivered": ("通知未能送达", "A notification was not delivered"),
    "node_lost": ("电话交换机异常终止，通话中断", "Asterisk died with calls in it"),
    "password_guessing": ("有人反复尝试话机或管理密码", "Somebody guesses passwords of telephones"),
    "recording_disk_full": ("录音磁盘已满，新通话暂不录音", "The disk of recordings is full"),
    "recording_not_stored": ("录音未能保存", "A recording could not be stored"),
    "recordings_unavailable": ("录音目录无法访问", "The folder of recordings cannot be seen"),
    "rows_in_no_month": ("有数据不属于任何月份分区", "Rows lie outside the months that were made"),
    "seat_away": ("可用坐席的话机离线", "The telephone of an available agent is away"),
    "speech_failed": ("语音合成失败", "A text could not be spoken"),
    "toll_fraud_suspected": ("疑似盗打外呼", "Calls out were refused: toll fraud suspected"),
}
"""Of alarms that a rule raised: the rule's own labels."""


def titles_of(kind: str, details: Mapping[str, object]) -> tuple[str, str]:
    """Chinese and English. A kind of another version is shown as it is."""
    if "title_zh" in details:
        return str(details["title_zh"]), str(details["title_en"])
    return KIND_TITLES.get(kind, (kind, kind))
