"""Errors of what agents see and write at their desk."""

from callcenter.core.errors import Conflict, InvalidInput, NotFound, Unavailable


class PatientNotOfCall(Conflict):
    """A reason is stated for the patient who is shown on this call; another must be chosen first."""

    code = "patient-not-of-call"
    title_en, title_zh = "Choose this patient for the call first.", "请先为本次通话选择该患者。"


class UnknownRevealReason(InvalidInput):
    code = "unknown-reveal-reason"
    title_en, title_zh = "There is no such reason.", "没有这个查看原因。"


class NoNumberOfCall(Conflict):
    code = "no-number-of-call"
    title_en, title_zh = "The caller's number is not known.", "来电号码未知。"


class NoteChanged(Conflict):
    """``version``: the one that counts now."""

    code = "note-changed"
    title_en, title_zh = "Somebody else has changed the note meanwhile.", "备注已被他人修改。"


class NoDispositionForm(NotFound):
    code = "no-disposition-form"
    title_en, title_zh = "This queue has no such form.", "该队列没有此小结表单。"


class NotAQueueOfCall(InvalidInput):
    """``queues``: those whose form may be filled in."""

    code = "not-a-queue-of-call"
    title_en, title_zh = "The call was not in this queue.", "本次通话未进入该队列。"


class AnswersRefused(InvalidInput):
    """``fields``: what is wrong by the field's key, as a stable word (desk.forms.Problem); never what was answered."""

    code = "answers-refused"
    title_en, title_zh = "Some answers do not fit the form.", "小结中有内容不符合要求。"


class FormRefused(InvalidInput):
    """``fields``: what is wrong by the field's key or place."""

    code = "form-refused"
    title_en, title_zh = "The form is not valid.", "表单无效。"


class NoBrowserSeat(Conflict):
    code = "no-browser-seat"
    title_en, title_zh = "You do not sit at a seat with a browser phone.", "您当前的座席不使用网页电话。"


class PhoneSystemAway(Unavailable):
    code = "phone-system-away"
    title_en, title_zh = "The telephone system does not answer now.", "电话系统暂时没有响应。"
