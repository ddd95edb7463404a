"""What staff set of a campaign: its texts, hours, pace and retries. Kept as jsonb, read back through these shapes."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from callcenter.campaigns.models import Outcome
from callcenter.core.http import ApiModel

TextName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Minutes = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
"""``09:00-12:00``: from the first minute until before the last, local."""


class Rules(ApiModel):
    """Base: nothing unknown, nothing changes."""

    model_config = ConfigDict(frozen=True)


class SpokenTexts(Rules):
    """A text in the languages it has; the contact's own first, else Chinese."""

    zh: str = Field(default="", max_length=2_000)
    en: str = Field(default="", max_length=2_000)

    @model_validator(mode="after")
    def _something(self) -> "SpokenTexts":
        if not (self.zh or self.en):
            raise ValueError("a text in at least one language is needed")
        return self

    def of(self, language: str) -> str:
        return (self.en if language == "en" else self.zh) or self.zh or self.en


class MailTexts(Rules):
    subject: SpokenTexts
    text: SpokenTexts


class SmsTexts(SpokenTexts):
    """``template``: the name under which the gateway's operator has registered the text, where it must be."""

    zh: str = Field(default="", max_length=500)
    en: str = Field(default="", max_length=500)
    template: str = Field(default="", max_length=100)


class Texts(Rules):
    """What is said and written; ``{name}`` and the contact's other variables are filled in."""

    spoken: Mapping[TextName, SpokenTexts] = Field(default_factory=dict, max_length=40)
    script: SpokenTexts | None = Field(
        default=None, description="What an agent has before them, who talks with people."
    )
    email: MailTexts | None = None
    sms: SmsTexts | None = None


class Windows(Rules):
    """When may be dialled, per weekday; holidays are skipped, make-up workdays count as their weekday."""

    week: tuple[tuple[Minutes, ...], ...] = Field(
        default=(("09:00-12:00", "14:00-20:00"),) * 7, min_length=7, max_length=7, description="Monday first."
    )
    on_holidays: bool = False

    @field_validator("week", mode="after")
    @classmethod
    def _opens_before_it_closes(cls, week: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        for day in week:
            for span in day:
                opens, closes = span.split("-")
                if opens >= closes:
                    raise ValueError(f"{span}: the end must be after the beginning")
        return week


class Pacing(Rules):
    """``automatic``: a voice flow, no agent. The others put the person through to an agent of ``queue``."""

    mode: Literal["automatic", "progressive", "predictive", "preview"] = "automatic"
    calls_per_second: float = Field(default=1.0, gt=0, le=100)
    max_channels: int = Field(default=10, ge=1, le=1_000)
    ring_seconds: int = Field(default=30, ge=5, le=120)
    queue: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")] | None = None
    abandon_percent: float = Field(default=3.0, gt=0, le=20, description="Predictive: over half an hour.")
    machine: Literal["off", "hang_up", "leave_message"] = "off"

    @model_validator(mode="after")
    def _queue_of_agents(self) -> "Pacing":
        if self.mode != "automatic" and self.queue is None:
            raise ValueError("a campaign with agents needs their queue")
        if self.mode == "predictive" and self.machine != "off":
            raise ValueError("predictive dialling does not wait for a machine to be told from a person")
        return self


class RetryRule(Rules):
    """After one outcome: the n-th time ``after_minutes * growth ** (n - 1)``, give or take ``spread_percent``."""

    times: int = Field(default=2, ge=0, le=20, description="How often this outcome leads to another try.")
    after_minutes: float = Field(default=30, ge=0, le=14 * 24 * 60)
    growth: float = Field(default=1.0, ge=1.0, le=10.0)
    spread_percent: int = Field(default=10, ge=0, le=50)
    number: Literal["same", "next"] = "same"
    part_of_day: Literal["any", "other"] = "any"

    def wait(self, times_before: int, luck: float) -> timedelta:
        """``luck``: from 0 until before 1; a half is the time exactly."""
        minutes = self.after_minutes * self.growth**times_before
        return timedelta(minutes=min(minutes, 30 * 24 * 60) * (1 + self.spread_percent / 100 * (2 * luck - 1)))


_RETRIED: Mapping[Outcome, RetryRule] = {
    Outcome.BUSY: RetryRule(times=2, after_minutes=5),
    Outcome.NO_ANSWER: RetryRule(times=2, after_minutes=60, part_of_day="other"),
    Outcome.UNREACHABLE: RetryRule(times=2, after_minutes=60, number="next"),
    Outcome.INVALID_NUMBER: RetryRule(times=3, after_minutes=0, number="next"),
    Outcome.REJECTED: RetryRule(times=1, after_minutes=24 * 60),
    Outcome.HUNG_UP_EARLY: RetryRule(times=1, after_minutes=24 * 60),
    Outcome.ANSWERED_NO_INPUT: RetryRule(times=1, after_minutes=24 * 60),
    Outcome.MACHINE: RetryRule(times=2, after_minutes=120, part_of_day="other"),
    Outcome.WRONG_PERSON: RetryRule(times=2, after_minutes=60, number="next"),
    Outcome.ABANDONED_BY_US: RetryRule(times=1, after_minutes=24 * 60),
    Outcome.NETWORK_FAILURE: RetryRule(times=5, after_minutes=5, growth=2.0),
    Outcome.NOT_PLACED: RetryRule(times=10, after_minutes=1),
}


class RetryRules(Rules):
    """``most_attempts``: dials of the contact in all, whatever the rules per outcome would add up to."""

    most_attempts: int = Field(default=3, ge=1, le=30)
    most_per_number: int = Field(default=3, ge=1, le=30)
    after: Mapping[Outcome, RetryRule] = Field(default_factory=lambda: dict(_RETRIED))

    @field_validator("after", mode="after")
    @classmethod
    def _never_again(cls, after: Mapping[Outcome, RetryRule]) -> Mapping[Outcome, RetryRule]:
        final = sorted({Outcome.COMPLETED, Outcome.OPTED_OUT, Outcome.UNKNOWN} & after.keys())
        if final:
            raise ValueError(f"{', '.join(final)}: never tried again")
        return after
