"""Shapes of the speech API."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import Form, Path
from pydantic import BaseModel, Field

from callcenter.speech.languages import Language

_SLOT = r"^[A-Za-z0-9:_-]{1,200}$"
_A_SLOT = "closure:0198c5b0-0000-7000-8000-000000000000"
Slot = Annotated[str, Path(pattern=_SLOT, examples=[_A_SLOT])]
LanguageInPath = Annotated[Language, Path(examples=["zh"])]
SlotInForm = Annotated[str, Form(pattern=_SLOT, examples=[_A_SLOT])]
LanguageInForm = Annotated[Language, Form(examples=["zh"])]


class AudioState(StrEnum):
    """What callers hear of a text now."""

    READY = "ready"
    """The text, spoken by the chosen engine or a recording."""
    FALL_BACK = "fall-back"
    """The text, spoken by another voice until the chosen engine is ready."""
    OUTDATED = "outdated"
    """The text as it was before."""
    SILENT = "silent"
    """Nothing yet."""


class SpokenTextResponse(BaseModel):
    slot: str = Field(examples=["closure:0198c5b0-0000-7000-8000-000000000000"])
    language: Language
    text: str
    state: AudioState
    provider: str | None = Field(description="Who speaks what is heard now; `recording`: somebody's own voice.")
    seconds: float | None
    requested_at: datetime
    rendered_at: datetime | None
    attempts: int = Field(description="Failed ones since the text was put.")
    last_error: str | None


class PromptAudioResponse(BaseModel):
    text: str | None = Field(description="None for a plain tone.")
    provider: str | None = Field(description="Who speaks it; `recording`: somebody's own voice; null: nobody yet.")
    seconds: float | None
    current: bool = Field(description="Whether what is heard was made from today's text.")


class PromptResponse(BaseModel):
    id: str = Field(examples=["greeting"])
    sound: str = Field(description="As Asterisk plays it.", examples=["cc/greeting"])
    audio: dict[Language, PromptAudioResponse]
