"""One governor over all campaigns: whether a person may be called now, pure. Budgets are counted from the attempts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from callcenter.campaigns.models import CampaignKind
from callcenter.campaigns.rules import Rules


class Limits(Rules):
    """For every person, whatever the campaign. A day is the hospital's."""

    attempts_per_number_daily: int = Field(default=3, ge=1, le=50)
    attempts_per_person_daily: int = Field(default=4, ge=1, le=50)
    conversations_per_person_daily: int = Field(default=1, ge=1, le=50)
    hours_between_conversations: int = Field(default=12, ge=0, le=24 * 30)
    quiet_from: int = Field(default=21, ge=0, le=24, description="Hour of the contact's own day.")
    quiet_until: int = Field(default=8, ge=0, le=24)
    max_channels: int = Field(default=30, ge=1, le=5_000, description="Of one PBX, for all campaigns.")
    calls_per_second: float = Field(default=20.0, gt=0, le=500)

    @model_validator(mode="after")
    def _quiet_is_a_night(self) -> "Limits":
        if self.quiet_from <= self.quiet_until:
            raise ValueError("quiet_from must be later in the day than quiet_until")
        return self


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the person, and what all campaigns have done today.

    ``unwilling``: on the do-not-call list, at whichever number. ``last_conversation_at``: of any day.
    """

    deceased: bool = False
    unwilling: bool = False
    in_hospital: bool = False
    open_complaint: bool = False
    attempts_of_number: int = 0
    attempts_of_person: int = 0
    conversations: int = 0
    last_conversation_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """``until``: when to look again; None: never, the contact is finished."""

    reason: str
    until: datetime | None = None


_LOOK_AGAIN = timedelta(days=1)


def find_refusal(
    kind: CampaignKind,
    standing: Standing,
    limits: Limits,
    *,
    at: datetime,
    tomorrow: datetime,
    zone: ZoneInfo,
    talks: bool = True,
) -> Refusal | None:
    """Why not now; None: nothing stands against it. ``tomorrow``: when the hospital's next day begins.

    ``talks``: it may become a conversation; a message does not.
    """
    if standing.deceased:
        return Refusal("deceased")
    if standing.unwilling:
        return Refusal("person_do_not_call")
    if kind is CampaignKind.CARE and standing.in_hospital:
        return Refusal("in_hospital")
    if kind is CampaignKind.SURVEY and standing.open_complaint:
        return Refusal("open_complaint", at + _LOOK_AGAIN)
    if (morning := quiet_until(limits, at, zone)) is not None:
        return Refusal("quiet_hours", morning)
    if talks and (refusal := _find_conversation(standing, limits, at, tomorrow)) is not None:
        return refusal
    if standing.attempts_of_number >= limits.attempts_per_number_daily:
        return Refusal("number_today", tomorrow)
    if standing.attempts_of_person >= limits.attempts_per_person_daily:
        return Refusal("person_today", tomorrow)
    return None


def _find_conversation(standing: Standing, limits: Limits, at: datetime, tomorrow: datetime) -> Refusal | None:
    if standing.conversations >= limits.conversations_per_person_daily:
        return Refusal("conversation_today", tomorrow)
    last = standing.last_conversation_at
    distance = timedelta(hours=limits.hours_between_conversations)
    if last is not None and at < last + distance:
        return Refusal("conversation_lately", last + distance)
    return None


def quiet_until(limits: Limits, at: datetime, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours end in which ``at`` lies; None: it lies in none."""
    local = at.astimezone(zone)
    if limits.quiet_until <= local.hour < limits.quiet_from:
        return None
    day = local.date() + timedelta(days=1) if local.hour >= limits.quiet_from else local.date()
    return datetime(day.year, day.month, day.day, limits.quiet_until, tzinfo=zone).astimezone(at.tzinfo)


def quiet_from(limits: Limits, at: datetime, zone: ZoneInfo) -> datetime:
    """When the next quiet hours begin, of an ``at`` that lies in none."""
    day = at.astimezone(zone).date() + timedelta(days=limits.quiet_from // 24)
    return datetime(day.year, day.month, day.day, limits.quiet_from % 24, tzinfo=zone).astimezone(at.tzinfo)
