"""Results as a file: a row for each contact, in the reader's language."""

from collections.abc import Callable, Iterable, Mapping
from zoneinfo import ZoneInfo

from callcenter.campaigns.models import CampaignAttempt, Channel, ContactResult, ContactState, Outcome
from callcenter.campaigns.respondents import Status
from callcenter.campaigns.results import ResultRow
from callcenter.core import table_files

Column = table_files.Column[ResultRow]
Words = Mapping[str, tuple[str, str]]

STATES: Words = {
    ContactState.NEW: ("准备中", "Being prepared"),
    ContactState.WAITING: ("等待", "Waiting"),
    ContactState.DIALLING: ("联系中", "Being contacted"),
    ContactState.FINISHED: ("已结束", "Finished"),
}
STATUSES: Words = {
    Status.REGISTERED: ("未联系", "Not contacted yet"),
    Status.CONTACTED: ("已接通", "Contacted"),
    Status.STARTED: ("已开始", "Started"),
    Status.PARTIAL: ("部分完成", "Partial"),
    Status.COMPLETED: ("完成", "Completed"),
    Status.REFUSED: ("拒绝", "Refused"),
    Status.BREAKOFF: ("中途放弃", "Broken off"),
    Status.UNREACHABLE: ("无法联系", "Unreachable"),
    Status.FAILED: ("失败", "Failed"),
}
RESULTS: Words = {
    ContactResult.REACHED: ("已联系到", "Reached"),
    ContactResult.REFUSED: ("拒绝或不可联系", "Refused"),
    ContactResult.UNREACHABLE: ("未联系到", "Unreachable"),
    ContactResult.FAILED: ("失败", "Failed"),
    ContactResult.UNKNOWN: ("结果不明", "Unknown"),
    ContactResult.WITHDRAWN: ("已撤出", "Withdrawn"),
}
OUTCOMES: Words = {
    Outcome.COMPLETED: ("完成", "Completed"),
    Outcome.HUNG_UP_EARLY: ("提前挂机", "Hung up early"),
    Outcome.ANSWERED_NO_INPUT: ("接听无应答", "Answered, no input"),
    Outcome.WRONG_PERSON: ("非本人", "Wrong person"),
    Outcome.MACHINE: ("留言机", "Answering machine"),
    Outcome.ABANDONED_BY_US: ("我方放弃", "Abandoned by us"),
    Outcome.BUSY: ("占线", "Busy"),
    Outcome.NO_ANSWER: ("无人接听", "No answer"),
    Outcome.REJECTED: ("拒接", "Rejected"),
    Outcome.UNREACHABLE: ("无法接通", "Unreachable"),
    Outcome.INVALID_NUMBER: ("号码无效", "Invalid number"),
    Outcome.NETWORK_FAILURE: ("线路故障", "Network failure"),
    Outcome.OPTED_OUT: ("要求不再联系", "Opted out"),
    Outcome.NOT_PLACED: ("未拨出", "Not placed"),
    Outcome.UNKNOWN: ("结果不明", "Unknown"),
    Outcome.SENT: ("已发送", "Sent"),
    Outcome.DELIVERED: ("已送达", "Delivered"),
    Outcome.BOUNCED: ("被退回", "Bounced"),
}
CHANNELS: Words = {
    Channel.TELEPHONE: ("电话", "Telephone"),
    Channel.EMAIL: ("邮件", "E-mail"),
    Channel.SMS: ("短信", "Text message"),
}


def columns_of(questions: Iterable[str], zone: ZoneInfo, language: str) -> tuple[Column, ...]:
    """``zone``: on whose clock times are written; one column for each question."""
    return (
        Column("编号", "Key", lambda row: row.contact.key),
        Column("姓名", "Name", lambda row: row.contact.name),
        Column("电话", "Telephone", lambda row: "; ".join(row.contact.numbers)),
        Column("邮箱", "E-mail", lambda row: row.contact.email),
        Column("状态", "State", lambda row: said(STATES, row.contact.state, language)),
        Column("进展", "Status", lambda row: said(STATUSES, row.contact.status, language)),
        Column("结果", "Result", lambda row: said(RESULTS, row.contact.result, language)),
        Column("联系次数", "Attempts", lambda row: row.contact.attempts),
        Column("最近渠道", "Last channel", _of_last(lambda last: said(CHANNELS, last.channel, language))),
        Column("最近结果", "Last outcome", _of_last(lambda last: said(OUTCOMES, last.outcome, language))),
        Column(
            "最近联系时间",
            "Last attempt at",
            lambda row: row.last.claimed_at.astimezone(zone) if row.last else None,
        ),
        Column(
            "结束时间",
            "Finished at",
            lambda row: row.contact.finished_at.astimezone(zone) if row.contact.finished_at else None,
        ),
        *(Column(f"回答：{question}", f"Answer: {question}", _answer(question)) for question in questions),
    )


def title(language: str) -> str:
    """Of the sheet."""
    return "Results" if language == "en" else "结果"


def said(words: Words, code: str | None, language: str) -> str | None:
    """The code's words; itself where there are none."""
    if code is None:
        return None
    zh, en = words.get(code, (code, code))
    return en if language == "en" else zh


def _of_last(value: Callable[[CampaignAttempt], str | None]) -> Callable[[ResultRow], str | None]:
    return lambda row: value(row.last) if row.last else None


def _answer(question: str) -> Callable[[ResultRow], str | None]:
    return lambda row: row.answers.get(question)
