"""Shapes of the articles API."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import Path
from pydantic import ConfigDict, Field, StringConstraints, model_validator

from callcenter.core.http import ApiModel
from callcenter.directory.article_audio import AudioState, PartAudio, state_of
from callcenter.directory.articles import ArticleContent, Section
from callcenter.directory.models import Article, ArticleVersion
from callcenter.directory.schemas import Code
from callcenter.directory.service import Names
from callcenter.speech.languages import LANGUAGES, Language

ArticleId = Annotated[UUID, Path(examples=["0193c2f0-6a51-7d4e-8f00-5d9f4a1b2c3d"])]
TitleZh = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
TitleEn = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
BodyZh = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
BodyEn = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
SearchText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Version = Annotated[int, Field(ge=1, examples=[1], description="The version that the asker has seen.")]


class ArticleTexts(ApiModel):
    """Both languages are needed: about four minutes of speech at most in each."""

    number: int = Field(ge=1, le=999_999, examples=[101], description="What callers key in; unique in the section.")
    doctor_code: Code | None = Field(default=None, examples=["D1001"])
    department_code: Code | None = Field(
        default=None, description="Only without a doctor: an article of a doctor lies under the doctor's department."
    )
    title_zh: TitleZh = Field(examples=["周建国主任医师"])
    title_en: TitleEn = Field(examples=["Doctor Zhou Jianguo"])
    body_zh: BodyZh = Field(examples=["周建国，心内科主任医师，擅长冠心病和高血压的诊治。每星期一上午出诊。"])
    body_en: BodyEn = Field(examples=["Zhou Jianguo is a chief physician of cardiology. He sees patients on Mondays."])

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.doctor_code is not None and self.department_code is not None:
            raise ValueError("doctor_code or department_code, not both")
        return self

    def content(self) -> ArticleContent:
        return ArticleContent(**{name: getattr(self, name) for name in ArticleTexts.model_fields})


class ArticleCreate(ArticleTexts):
    section: Section = Field(examples=["doctors"])


class ArticleChange(ArticleTexts):
    version: Version


class ArticleSwitch(ApiModel):
    version: Version


class ArticleSearch(ApiModel):
    text: SearchText = Field(examples=["高血压"], description="Words, each of which stands in title or body.")
    section: Section | None = None
    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=500)


class ArticleResponse(ApiModel):
    id: UUID
    section: Section
    number: int
    doctor_code: str | None
    department_code: str | None
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    active: bool
    version: int
    updated_by: str
    updated_at: datetime
    audio: dict[Language, AudioState] = Field(description="What callers hear now, by language.")

    @classmethod
    def of(cls, article: Article, names: Names, audio: list[PartAudio]) -> "ArticleResponse":
        return cls(
            **{name: getattr(article, name) for name in _SAME},
            **_codes(article, names),
            audio={language: state_of(audio, language) for language in LANGUAGES},
        )


class ArticleVersionResponse(ApiModel):
    version: int
    number: int
    doctor_code: str | None
    department_code: str | None
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    active: bool
    changed_by: str
    changed_at: datetime

    @classmethod
    def of(cls, version: ArticleVersion, names: Names) -> "ArticleVersionResponse":
        return cls(**{name: getattr(version, name) for name in _SAME_OF_VERSION}, **_codes(version, names))


class PartAudioResponse(ApiModel):
    model_config = ConfigDict(from_attributes=True)
    part: Literal["title", "body"]
    language: Language
    state: AudioState = Field(
        description="`ready`; `fall_back`: a plainer voice until then; `previous`: an older text; `missing`: nothing."
    )
    seconds: float | None = Field(description="How long callers listen to it now.")
    requested_at: datetime
    rendered_at: datetime | None
    failed_attempts: int
    last_error: str | None


_SAME = ArticleResponse.model_fields.keys() - {"doctor_code", "department_code", "audio"}
_SAME_OF_VERSION = ArticleVersionResponse.model_fields.keys() - {"doctor_code", "department_code"}


def _codes(row: Article | ArticleVersion, names: Names) -> dict[str, str | None]:
    doctor = names.doctors.get(row.doctor_id) if row.doctor_id else None
    department = names.departments.get(row.department_id) if row.department_id else None
    return {
        "doctor_code": doctor.code if doctor else None,
        # what the asker may send back: a doctor brings the department
        "department_code": department.code if department and not doctor else None,
    }
