"""What can go wrong between us and Asterisk, over AMI and over AGI."""

from typing import Any

from callcenter.core.errors import CallcenterError, InvalidInput, Unavailable

# -- AMI


class AmiUnavailable(Unavailable):
    """No link to Asterisk, or it was lost before the answer came.

    ``sent`` tells the two apart: False: Asterisk has not seen the action; True: whether Asterisk did it is
    unknown, and it must be reconciled, never repeated (architecture.md, principle 3).
    """

    code = "pbx-unavailable"
    title_en, title_zh = "The telephone system is not connected.", "电话系统未连接。"

    def __init__(self, message: str | None = None, *, sent: bool, **details: Any) -> None:
        super().__init__(message, sent=sent, **details)
        self.sent = sent


class AmiTimeout(CallcenterError):
    """Asterisk got the action and did not answer in time: whether it did it is unknown."""

    status, code = 504, "pbx-timeout"
    title_en, title_zh = "The telephone system did not answer in time.", "电话系统未及时响应。"

    def __init__(self, message: str | None = None, **details: Any) -> None:
        super().__init__(message, sent=True, **details)
        self.sent = True


class AmiRefused(InvalidInput):
    """An action that Asterisk would misread, cut or block on. It was not sent."""

    code = "pbx-action-refused"
    title_en, title_zh = "This cannot be asked of the telephone system.", "该请求不能发送给电话系统。"


class AmiActionFailed(CallcenterError):
    """Asterisk answered a list action or a CLI command with ``Response: Error``; the message is Asterisk's."""

    status, code = 502, "pbx-action-failed"
    title_en, title_zh = "The telephone system refused the request.", "电话系统拒绝了该请求。"


class NoSuchLiveCall(CallcenterError):
    """What a command is about is not there (any more): the call ended, or has not come so far."""

    status, code = 409, "no-such-live-call"
    title_en, title_zh = "There is no such call now.", "当前没有这通电话。"


class EventMalformed(CallcenterError):
    """An event lacks a header it must have, or holds no number where one belongs. Log it and go on."""

    code = "pbx-event-malformed"
    title_en, title_zh = "The telephone system sent an unreadable event.", "电话系统发送了无法识别的事件。"


# -- AGI


class AgiError(CallcenterError):
    """Base of what ends or disturbs the conversation with one channel."""

    code = "agi-error"


class CallerHungUp(AgiError):
    """The channel is gone: hang-up, dead channel, or the connection to Asterisk closed. The flow ends here."""

    code = "caller-hung-up"
    title_en, title_zh = "The caller hung up.", "来电者已挂机。"


class AgiTimeout(AgiError):
    """Asterisk did not answer a command in time; the connection is closed, the dialplan's fall-back takes the call."""

    code = "agi-timeout"
    title_en, title_zh = "The telephone system did not answer a call command.", "电话系统未响应通话指令。"


class AgiCommandFailed(AgiError):
    """Asterisk could not do a command though the caller is still there: no such file, application or syntax."""

    code = "agi-command-failed"
    title_en, title_zh = "A call command failed.", "通话指令执行失败。"


class AgiDesynchronised(AgiError):
    """What came is no reply to what was asked: nothing read after it could be trusted. The connection is closed."""

    code = "agi-desynchronised"
    title_en, title_zh = "The call's control connection is out of step.", "通话控制连接失去同步。"


class AgiRefused(InvalidInput):
    """A value that would become a second command or argument. It was not sent."""

    code = "agi-command-refused"
    title_en, title_zh = "This cannot be asked of a call.", "该指令不能用于通话。"
