"""Errors of messages."""

from callcenter.core.errors import Unavailable


class MailboxUnavailable(Unavailable):
    code = "mailbox-unavailable"
    title_en, title_zh = "The mailbox cannot be read now.", "暂时无法读取邮箱。"
