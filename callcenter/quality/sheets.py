"""What a score sheet is made of, and what answers come to. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from callcenter.core.http import ApiModel
from callcenter.quality.errors import AnswersDoNotFit

NOT_APPLICABLE = "na"
SCALE_MOST = 5

Answer = Literal["yes", "no", "na"] | Annotated[int, Field(ge=0, le=SCALE_MOST)]
"""``yes`` or ``no``; 0 to 5; ``na``: the question does not apply and does not count."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class AnswerKind(StrEnum):
    YES_NO = "yes_no"
    SCALE = "scale"


class Question(ApiModel):
    """``fatal``: failed (``no``, or 0), nothing else counts any more."""

    key: Key
    text_zh: Text
    text_en: Text
    kind: AnswerKind
    weight: Annotated[int, Field(ge=1, le=100)] = 1
    fatal: bool = False

    def value(self, answer: Answer) -> float:
        """0 to 1. Raises ValueError for an answer of another kind."""
        if self.kind == AnswerKind.YES_NO:
            if answer not in ("yes", "no"):
                raise ValueError(answer)
            return float(answer == "yes")
        if not isinstance(answer, int):
            raise ValueError(answer)
        return answer / SCALE_MOST


class Section(ApiModel):
    label_zh: Text
    label_en: Text
    questions: Annotated[list[Question], Field(min_length=1, max_length=50)]


class Sheet(ApiModel):
    """The content of one version."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "label_zh": "服务质量",
                    "label_en": "Service",
                    "sections": [
                        {
                            "label_zh": "开场",
                            "label_en": "Opening",
                            "questions": [
                                {
                                    "key": "greeting",
                                    "text_zh": "是否使用标准问候语",
                                    "text_en": "Standard greeting",
                                    "kind": "yes_no",
                                    "weight": 2,
                                }
                            ],
                        }
                    ],
                }
            ]
        }
    )
    label_zh: Text
    label_en: Text
    sections: Annotated[list[Section], Field(min_length=1, max_length=20)]

    def questions(self) -> Iterator[Question]:
        for section in self.sections:
            yield from section.questions

    @model_validator(mode="after")
    def _each_key_once(self) -> "Sheet":
        keys = [question.key for question in self.questions()]
        if len(set(keys)) != len(keys):
            raise PydanticCustomError("key_twice", "two questions have the same key")
        return self


@dataclass(frozen=True, slots=True)
class Total:
    """``total``: 0 to 100, two decimals; None: no question applied. ``is_fatal``: then it is 0."""

    total: float | None
    is_fatal: bool


def total_of(sheet: Sheet, answers: Mapping[str, Answer]) -> Total:
    """The weighted mean of what applied. Raises AnswersDoNotFit: every question needs one answer of its kind."""
    questions = {question.key: question for question in sheet.questions()}
    missing, unknown = sorted(questions.keys() - answers.keys()), sorted(answers.keys() - questions.keys())
    if missing or unknown:
        raise AnswersDoNotFit(missing=missing, unknown=unknown)
    values: dict[str, float] = {}
    wrong = []
    for key, answer in answers.items():
        if answer == NOT_APPLICABLE:
            continue
        try:
            values[key] = questions[key].value(answer)
        except ValueError:
            wrong.append(key)
    if wrong:
        raise AnswersDoNotFit(wrong=sorted(wrong))
    if any(value == 0 and questions[key].fatal for key, value in values.items()):
        return Total(0.0, is_fatal=True)
    weight = sum(questions[key].weight for key in values)
    reached = sum(questions[key].weight * value for key, value in values.items())
    return Total(round(100 * reached / weight, 2) if weight else None, is_fatal=False)
