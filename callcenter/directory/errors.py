"""What can go wrong with departments and doctors."""

from callcenter.core.errors import InvalidInput, NotFound


class DepartmentNotFound(NotFound):
    code = "department-not-found"
    title_en, title_zh = "There is no such department.", "科室不存在。"


class DoctorNotFound(NotFound):
    code = "doctor-not-found"
    title_en, title_zh = "There is no such doctor.", "医生不存在。"


class UnknownDepartment(InvalidInput):
    """A body names a department code that is not in the directory."""

    code = "unknown-department"
    title_en, title_zh = "The department code is not in the directory.", "科室编码不存在。"


class UnknownDoctor(InvalidInput):
    """A body names a doctor's staff number that is not in the directory."""

    code = "unknown-doctor"
    title_en, title_zh = "The doctor's staff number is not in the directory.", "医生工号不存在。"
