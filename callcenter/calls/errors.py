"""Errors of calls and their ledger."""

from callcenter.core.errors import Conflict, Forbidden, Gone, InvalidInput, NotFound, Unavailable


class CallNotFound(NotFound):
    """Also when the asker may not see it: its existence is not told."""

    code = "call-not-found"
    title_en, title_zh = "There is no such call.", "未找到该通话。"


class InvalidPeriod(InvalidInput):
    code = "invalid-period"
    title_en, title_zh = "The period must have an end after its start.", "结束时间必须晚于开始时间。"


class RecordingNotFound(NotFound):
    """Also when the asker may not hear it: its existence is not told."""

    code = "recording-not-found"
    title_en, title_zh = "There is no such recording.", "未找到该录音。"


class RecordingFileMissing(NotFound):
    """It was to be made, but there is no file: nobody was connected, or it was removed by hand."""

    code = "recording-file-missing"
    title_en, title_zh = "There is no sound of this recording.", "该录音没有音频文件。"


class RecordingDeleted(Gone):
    code = "recording-deleted"
    title_en, title_zh = "The recording was deleted when its time was over.", "该录音已超过保存期限并被删除。"


class RecordingNotReady(Conflict):
    """The call goes on, or is just over."""

    code = "recording-not-ready"
    title_en, title_zh = "The recording cannot be played yet.", "该录音尚未就绪，请稍后再试。"


class DownloadNotAllowed(Forbidden):
    """An agent may play what is their own, and take nothing away."""

    code = "recording-download-not-allowed"
    title_en, title_zh = "You may play this recording, not download it.", "您只能播放该录音，不能下载。"


class RecordingHeld(Conflict):
    code = "recording-already-held"
    title_en, title_zh = "The recording is held already.", "该录音已被保留。"


class RecordingNotHeld(Conflict):
    code = "recording-not-held"
    title_en, title_zh = "The recording is not held.", "该录音未被保留。"


class RecordingsUnavailable(Unavailable):
    """This process does not see the PBX's disk."""

    code = "recordings-unavailable"
    title_en, title_zh = "The recordings cannot be reached from here.", "此处无法访问录音存储。"


class LedgerOutOfStep(Conflict):
    """Reader and database disagree how far a file was read: read again from the database's offset."""

    code = "ledger-out-of-step"
    title_en, title_zh = "The ledger was read by someone else.", "账本读取位置不一致。"
