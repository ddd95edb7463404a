"""What can go wrong with departments, doctors and articles."""

from callcenter.core.errors import Conflict, InvalidInput, NotFound


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


class ArticleNotFound(NotFound):
    code = "article-not-found"
    title_en, title_zh = "There is no such article.", "没有这篇文章。"


class ArticleNumberTaken(Conflict):
    """Another active article of the section is keyed in by this number."""

    code = "article-number-taken"
    title_en, title_zh = "Another article of this section has this number.", "该栏目已有文章使用此编号。"


class ArticleChanged(Conflict):
    """Somebody changed the article after the asker had read it."""

    code = "article-changed"
    title_en, title_zh = "The article was changed meanwhile; read it again.", "文章已被他人修改，请重新读取。"
