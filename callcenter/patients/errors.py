"""What can go wrong with patients, their numbers and cards."""

from callcenter.core.errors import Conflict, InvalidInput, NotFound


class PatientNotFound(NotFound):
    code = "patient-not-found"
    title_en, title_zh = "There is no such patient.", "患者不存在。"


class UnknownPatient(InvalidInput):
    """A body names a patient's external id that is not here."""

    code = "unknown-patient"
    title_en, title_zh = "No patient has this external id.", "没有该外部编号的患者。"


class NumberNotFound(NotFound):
    code = "number-not-found"
    title_en, title_zh = "The patient has no such number.", "该患者没有此号码。"


class UnreadableNumber(InvalidInput):
    code = "unreadable-number"
    title_en, title_zh = "This is no telephone number.", "无法识别该电话号码。"


class CardTaken(Conflict):
    code = "card-taken"
    title_en, title_zh = "The card belongs to another patient.", "该就诊卡属于其他患者。"


class CheckCodeMissing(InvalidInput):
    code = "check-code-missing"
    title_en, title_zh = "A new card needs its check code.", "新就诊卡须提供校验码。"


class UnknownVipGrade(InvalidInput):
    code = "unknown-vip-grade"
    title_en, title_zh = "There is no such VIP grade.", "VIP 等级不存在。"


class VipGradeNotFound(NotFound):
    code = "vip-grade-not-found"
    title_en, title_zh = "There is no such VIP grade.", "VIP 等级不存在。"


class VipGradeInUse(Conflict):
    code = "vip-grade-in-use"
    title_en, title_zh = "Patients still have this VIP grade.", "仍有患者使用该 VIP 等级。"


class SearchTooWide(InvalidInput):
    """Of an agent: whoever has a caller on the line knows more of them than that."""

    code = "search-too-wide"
    title_en, title_zh = (
        "Say more: two signs of the name, a number, a card or an id.",
        "请补充查询条件：姓名至少两个字，或号码、卡号、编号。",
    )
