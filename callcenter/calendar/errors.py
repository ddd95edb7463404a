"""What can go wrong with hours, days and closures."""

from callcenter.core.errors import Conflict, InvalidInput, NotFound


class ScheduleNotFound(NotFound):
    code = "schedule-not-found"
    title_en, title_zh = "There is no such schedule.", "服务时间表不存在。"


class SpecialDayNotFound(NotFound):
    code = "special-day-not-found"
    title_en, title_zh = "The schedule has no special hours on this day.", "该日没有特殊服务时间。"


class HospitalDayNotFound(NotFound):
    code = "hospital-day-not-found"
    title_en, title_zh = "Nobody entered anything for this day.", "该日没有医院自定的安排。"


class ClosureNotFound(NotFound):
    code = "closure-not-found"
    title_en, title_zh = "There is no such closure.", "紧急停止服务记录不存在。"


class UnknownSchedule(InvalidInput):
    """A body names a schedule that does not exist."""

    code = "unknown-schedule"
    title_en, title_zh = "There is no schedule of this name.", "没有这个名称的服务时间表。"


class ClosureEndsTooSoon(InvalidInput):
    code = "closure-ends-too-soon"
    title_en, title_zh = "The closure would be over before it begins.", "停止服务的结束时间早于现在。"


class ClosureAlreadyOpen(Conflict):
    """``details``: ``closure_id`` of the one that is open."""

    code = "closure-already-open"
    title_en, title_zh = (
        "It is closed already; end that closure first.",
        "已处于紧急停止服务状态，请先结束该次停止服务。",
    )
