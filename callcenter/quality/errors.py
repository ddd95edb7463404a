"""Errors of quality scores."""

from callcenter.core.errors import Conflict, Forbidden, InvalidInput, NotFound


class SheetNotFound(NotFound):
    code = "score-sheet-not-found"
    title_en, title_zh = "There is no such score sheet.", "未找到该评分表。"


class AnswersDoNotFit(InvalidInput):
    """``missing``, ``unknown``, ``wrong``: keys of questions."""

    code = "answers-do-not-fit"
    title_en, title_zh = "The answers do not fit the score sheet.", "答案与评分表不符。"


class ScoreNotFound(NotFound):
    """Also when the asker may not see it: its existence is not told."""

    code = "score-not-found"
    title_en, title_zh = "There is no such score.", "未找到该评分。"


class AlreadyScored(Conflict):
    code = "already-scored"
    title_en, title_zh = "You have scored this recording: change that score.", "您已对该录音评分，请修改原评分。"


class NothingToScore(Conflict):
    """A message or remark: no agent speaks."""

    code = "nothing-to-score"
    title_en, title_zh = "No agent speaks in this recording.", "该录音中没有坐席通话，无法评分。"


class OwnRecording(Forbidden):
    code = "own-recording"
    title_en, title_zh = "Nobody scores their own conversations.", "不能对自己的通话评分。"


class NotTheScorer(Forbidden):
    code = "not-the-scorer"
    title_en, title_zh = "Only who gave the score changes it.", "只有评分人可以修改该评分。"


class AlreadyReplied(Conflict):
    code = "already-replied"
    title_en, title_zh = "You have answered this score.", "您已对该评分作出回复。"
