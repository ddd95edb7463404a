"""What is wrong with a call flow, and what a running flow may miss."""

from collections.abc import Iterable
from dataclasses import dataclass

from callcenter.core.errors import Conflict, InvalidInput, NotFound, Unavailable


@dataclass(frozen=True, slots=True, order=True)
class FlowProblem:
    """One reason to refuse a flow. ``code`` is stable (kebab-case); ``line`` counts from 1."""

    file: str
    line: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message} [{self.code}]"


class FlowError(InvalidInput):
    """Flows that cannot be used; ``problems`` says all that was found, each with file and line."""

    code = "invalid-flow"
    title_en, title_zh = "The call flow is not valid.", "呼叫流程无效。"

    def __init__(self, problems: Iterable[FlowProblem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)), problems=[str(problem) for problem in self.problems])


class DatabaseAway(Unavailable):
    """The database did not answer within the limit of a running call; the step takes its safe outcome."""

    code = "database-away"
    title_en, title_zh = "The database does not answer.", "数据库无响应。"


class AnnouncementOpen(Conflict):
    code = "announcement-already-open"
    title_en, title_zh = "An announcement is played there already.", "该处已有正在播放的紧急公告。"


class AnnouncementNotFound(NotFound):
    code = "announcement-not-found"
    title_en, title_zh = "There is no such announcement.", "未找到该紧急公告。"


class StepImpossible(Unavailable):
    """What the step needs is not there: the dialplan takes the call."""

    code = "step-impossible"
    title_en, title_zh = "The step cannot be carried out on this call.", "此步骤无法在该通话中执行。"
