"""Errors that a user or client may meet: each carries an HTTP status and a stable code.

One handler (callcenter/app.py) renders them as RFC 9457 ``application/problem+json``. Every domain's
``errors.py`` derives from :class:`CallcenterError`; ``code`` never changes once released.
"""

from typing import Any, ClassVar


class CallcenterError(Exception):
    """Base of all expected errors.

    ``status``: HTTP status. ``code``: stable identifier, kebab-case. ``title_en`` / ``title_zh``: one sentence
    for a person. ``details`` are JSON values that say what exactly was wrong; never secrets or health data.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title_en: ClassVar[str] = "Something went wrong on our side."
    title_zh: ClassVar[str] = "系统内部错误。"

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or self.title_en
        self.details = details
        super().__init__(self.message)


class NotFound(CallcenterError):
    status, code = 404, "not-found"
    title_en, title_zh = "There is no such thing.", "未找到该记录。"


class Conflict(CallcenterError):
    status, code = 409, "conflict"
    title_en, title_zh = "It contradicts what is already there.", "与现有数据冲突。"


class Gone(CallcenterError):
    status, code = 410, "gone"
    title_en, title_zh = "It was there, and was deleted.", "该内容已被删除。"


class InvalidInput(CallcenterError):
    status, code = 422, "invalid-input"
    title_en, title_zh = "The input is not valid.", "输入无效。"


class NotAuthenticated(CallcenterError):
    status, code = 401, "not-authenticated"
    title_en, title_zh = "Log in first.", "请先登录。"


class Forbidden(CallcenterError):
    status, code = 403, "forbidden"
    title_en, title_zh = "Your role does not allow this.", "您没有此操作的权限。"


class TooManyRequests(CallcenterError):
    status, code = 429, "too-many-requests"
    title_en, title_zh = "Too many tries; wait a moment.", "尝试次数过多，请稍后再试。"


class Unavailable(CallcenterError):
    status, code = 503, "unavailable"
    title_en, title_zh = "A part this needs is not available now.", "所需服务暂不可用。"


class SetupError(CallcenterError):
    """A command line cannot go on: the message says what is wrong and the remedy, in one sentence."""

    code = "setup"
