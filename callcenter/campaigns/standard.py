"""Campaigns that are shipped, all switched off: staff read them, change what they want, and start them.

House rules: domain.md C 13 to 16. Texts name only ``name`` and the variables of callcenter.campaigns.found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns import audience_queries, lifecycle, queries, triggers
from callcenter.campaigns.audiences import (
    Appointments,
    Audience,
    Birthday,
    BusyLine,
    Discharged,
    Festival,
    MissedAppointments,
    People,
    Reminders,
    VisitSample,
)
from callcenter.campaigns.errors import InvalidCampaign
from callcenter.campaigns.models import Campaign, CampaignKind, Channel, Outcome
from callcenter.campaigns.rules import MailTexts, Pacing, RetryRule, RetryRules, SpokenTexts, Texts, Windows
from callcenter.core.audit import Actor

_VALID_FOR = timedelta(days=20 * 365)
_PHONE, _SMS, _EMAIL = Channel.TELEPHONE, Channel.SMS, Channel.EMAIL
_CALLS = ("09:30-11:30", "14:30-17:30")
_CALLS_LONG = ("09:30-12:00", "14:00-20:00")
_MESSAGES = ("09:00-18:00",)


def _say(zh: str, en: str) -> SpokenTexts:
    return SpokenTexts(zh=zh, en=en)


def _sms(zh: str, en: str) -> Mapping[str, str]:
    return {"zh": zh, "en": en}


_HELLO = _say("您好，这里是医院服务热线，请问是{name}吗？", "Hello, this is the hospital hotline. Is that {name}?")
_QUESTIONS = {
    "satisfied": _say(
        "您对这次服务总体满意吗？请按1到5，5表示非常满意，1表示很不满意。",
        "How satisfied were you on the whole? Press 1 to 5; 5 is very satisfied, 1 is very dissatisfied.",
    ),
    "waiting": _say(
        "您对等候的时间满意吗？请按1到5，5表示非常满意，1表示很不满意。",
        "And with the time that you had to wait? Press 1 to 5; 5 is very satisfied, 1 is very dissatisfied.",
    ),
}


@dataclass(frozen=True, slots=True)
class Standard:
    """``code``: by which it is known again, however staff rename it. ``at_time``: daily, of the hospital's clock."""

    code: str
    name: str
    kind: CampaignKind
    audience: Audience
    at_time: str
    flow: str
    channels: Sequence[Channel]
    hours: Sequence[str]
    spoken: Mapping[str, SpokenTexts] = field(default_factory=dict)
    sms: Mapping[str, str] | None = None
    email: MailTexts | None = None
    on_holidays: bool = False
    retry: RetryRules = field(default_factory=RetryRules)
    priority: int = 0

    def values(self, caller_id: str, zone: str, at: datetime) -> dict[str, Any]:
        """As the table of campaigns keeps them."""
        texts = Texts.model_validate({"spoken": self.spoken, "sms": self.sms, "email": self.email})
        windows = Windows(week=(tuple(self.hours),) * 7, on_holidays=self.on_holidays)
        return {
            "name": self.name,
            "kind": self.kind.value,
            "flow": self.flow,
            "caller_id": caller_id,
            "texts": texts.model_dump(mode="json"),
            "channels": [channel.value for channel in self.channels],
            "priority": self.priority,
            "zone": zone,
            "windows": windows.model_dump(mode="json"),
            "pacing": Pacing(calls_per_second=0.5, max_channels=5).model_dump(mode="json"),
            "retry": self.retry.model_dump(mode="json"),
            "starts_at": at,
            "ends_at": at + _VALID_FOR,
        }


_ONCE_MORE = RetryRules(
    most_attempts=2,
    most_per_number=2,
    after={
        Outcome.BUSY: RetryRule(times=1, after_minutes=15),
        Outcome.NO_ANSWER: RetryRule(times=1, after_minutes=120, part_of_day="other"),
        Outcome.UNREACHABLE: RetryRule(times=1, after_minutes=60, number="next"),
        Outcome.INVALID_NUMBER: RetryRule(times=3, after_minutes=0, number="next"),
        Outcome.NETWORK_FAILURE: RetryRule(times=5, after_minutes=5, growth=2.0),
        Outcome.NOT_PLACED: RetryRule(times=10, after_minutes=1),
    },
)
"""For what is kind and not needed: nobody is rung up three times to be wished a happy birthday."""


def _festival(code: str, name: str, audience: Festival, zh: str, en: str) -> Standard:
    return Standard(
        code=code,
        name=name,
        kind=CampaignKind.CARE,
        audience=audience,
        at_time="08:50",
        flow="campaign_notice",
        channels=(_SMS, _EMAIL),
        hours=_MESSAGES,
        on_holidays=True,
        sms=_sms(zh, en),
        email=MailTexts(subject=_say("节日问候", "Season's greetings"), text=_say(zh, en)),
    )


def _reminder(code: str, name: str, audience: Reminders, zh: str, en: str) -> Standard:
    """What is due is health data: by telephone only to who knows the date of birth."""
    return Standard(
        code=code,
        name=name,
        kind=CampaignKind.REMINDER,
        audience=audience,
        at_time="09:00",
        flow="campaign_result",
        channels=(_PHONE, _SMS),
        hours=_CALLS_LONG,
        spoken={"greeting": _HELLO, "message": _say(zh, en)},
        sms=_sms(
            "{name}您好，{day}请留意您在我院的健康安排，详情请致电医院服务热线。",
            "Dear {name}, something is due for you at our hospital on {day}. Please call the hotline for details.",
        ),
        priority=10,
    )


_OF_THE_DAY = (
    "{name}您好，您预约了{when}{department}就诊，请按时前来。如需取消或改期，请致电医院服务热线。",
    "Dear {name}, you have an appointment on {when}, {department}. To cancel or change it, please call the hotline.",
)
_OF_THE_DAY_MAIL = MailTexts(subject=_say("就诊提醒", "Your appointment"), text=_say(*_OF_THE_DAY))

STANDARDS: tuple[Standard, ...] = (
    Standard(
        code="birthday",
        name="生日问候 · Birthdays",
        kind=CampaignKind.CARE,
        audience=Birthday(kind="birthday"),
        at_time="09:00",
        flow="campaign_notice",
        channels=(_PHONE, _SMS),
        hours=_CALLS,
        on_holidays=True,
        spoken={
            "message": _say(
                "{name}您好，这里是医院服务热线，今天是您的生日，祝您生日快乐，身体健康！",
                "Hello {name}, this is the hospital hotline. Today is your birthday: we wish you a happy one!",
            )
        },
        sms=_sms(
            "{name}您好，今天是您的生日，祝您生日快乐，身体健康！",
            "Dear {name}, we wish you a happy birthday and good health!",
        ),
        retry=_ONCE_MORE,
    ),
    _festival(
        "new_year",
        "元旦问候 · New Year",
        Festival(kind="festival", calendar="solar", month=1, day=1),
        "{name}您好，元旦快乐，祝您新的一年身体健康！",
        "Dear {name}, we wish you a happy and healthy new year!",
    ),
    _festival(
        "spring_festival",
        "春节问候 · Spring Festival",
        Festival(kind="festival", calendar="lunar", month=1, day=1),
        "{name}您好，春节快乐，祝您和家人新春安康！",
        "Dear {name}, happy Spring Festival: we wish you and your family good health!",
    ),
    _festival(
        "mid_autumn",
        "中秋问候 · Mid-Autumn Festival",
        Festival(kind="festival", calendar="lunar", month=8, day=15),
        "{name}您好，中秋快乐，祝您阖家团圆、身体健康！",
        "Dear {name}, happy Mid-Autumn Festival to you and your family!",
    ),
    _festival(
        "double_ninth",
        "重阳问候（60 岁以上） · Double Ninth, from 60 years on",
        Festival(
            kind="festival",
            calendar="lunar",
            month=9,
            day=9,
            people=People(min_age=60, visited_within_days=365),
        ),
        "{name}您好，重阳安康，祝您健康长寿！",
        "Dear {name}, on the Double Ninth Festival we wish you a long and healthy life!",
    ),
    Standard(
        code="appointment_call",
        name="明日就诊电话提醒（提前十天以上预约） · Appointments of tomorrow, by telephone",
        kind=CampaignKind.REMINDER,
        audience=Appointments(kind="appointments", days_ahead=1, booked_more_than_days_ahead=10),
        at_time="09:00",
        flow="campaign_reminder",
        channels=(_PHONE, _SMS, _EMAIL),
        hours=_CALLS_LONG,
        on_holidays=True,
        spoken={
            "greeting": _HELLO,
            "reminder": _say(
                "提醒您，您预约了{when}，{department}就诊。", "You have an appointment on {when}, {department}."
            ),
        },
        sms=_sms(*_OF_THE_DAY),
        email=_OF_THE_DAY_MAIL,
        priority=20,
    ),
    Standard(
        code="appointment_message_today",
        name="当日就诊短信（9:00 前） · Messages for today's appointments, before 9:00",
        kind=CampaignKind.NOTICE,
        audience=Appointments(kind="appointments", days_ahead=0, statuses=("booked", "confirmed")),
        at_time="07:30",
        flow="campaign_notice",
        channels=(_SMS, _EMAIL),
        hours=("07:30-09:00",),
        on_holidays=True,
        sms=_sms(*_OF_THE_DAY),
        email=_OF_THE_DAY_MAIL,
        priority=30,
    ),
    Standard(
        code="appointment_message_tomorrow",
        name="次日就诊短信（16:00） · Messages for tomorrow's appointments, at 16:00",
        kind=CampaignKind.NOTICE,
        audience=Appointments(kind="appointments", days_ahead=1, statuses=("booked", "confirmed")),
        at_time="16:00",
        flow="campaign_notice",
        channels=(_SMS, _EMAIL),
        hours=("16:00-20:00",),
        on_holidays=True,
        sms=_sms(*_OF_THE_DAY),
        email=_OF_THE_DAY_MAIL,
        priority=30,
    ),
    Standard(
        code="missed_appointment",
        name="爽约回访 · The day after a missed appointment",
        kind=CampaignKind.NOTICE,
        audience=MissedAppointments(kind="missed_appointments"),
        at_time="09:00",
        flow="campaign_notice",
        channels=(_PHONE, _SMS),
        hours=_CALLS_LONG,
        spoken={
            "message": _say(
                "{name}您好，这里是医院服务热线。您{day}的预约没有就诊，如果需要重新预约，请按0，由工作人员为您办理。",
                "Hello {name}, this is the hospital hotline. You did not come to your appointment on {day}. For"
                " another one, press 0 and our staff will help you.",
            )
        },
        sms=_sms(
            "{name}您好，您{day}的预约没有就诊。如需重新预约，请致电医院服务热线。",
            "Dear {name}, you did not come to your appointment on {day}. For another one, please call the hotline.",
        ),
        priority=10,
    ),
    Standard(
        code="busy_line",
        name="占线致歉 · The day after a busy line",
        kind=CampaignKind.NOTICE,
        audience=BusyLine(kind="busy_line"),
        at_time="09:00",
        flow="campaign_notice",
        channels=(_SMS, _PHONE),
        hours=_CALLS_LONG,
        spoken={
            "message": _say(
                "您好，这里是医院服务热线。{day}您来电时线路繁忙，非常抱歉。如果仍需要帮助，请按0，由工作人员为您服务。",
                "Hello, this is the hospital hotline. On {day} you called us and our lines were busy: we are sorry."
                " If you still need help, press 0 for our staff.",
            )
        },
        sms=_sms(
            "您好，{day}您来电时医院服务热线繁忙，非常抱歉。如仍需要帮助，欢迎再次来电，我们会尽快为您服务。",
            "On {day} you called our hospital and the lines were busy: we are sorry. Please call again if you still"
            " need help.",
        ),
        priority=10,
    ),
    Standard(
        code="discharge_follow_up",
        name="出院 7 天回访 · Seven days after discharge",
        kind=CampaignKind.SURVEY,
        audience=Discharged(kind="discharged", days_ago=7),
        at_time="09:00",
        flow="campaign_survey",
        channels=(_PHONE,),
        hours=_CALLS_LONG,
        spoken={
            "greeting": _say(
                "{name}您好，这里是医院服务热线，想对您这次住院做一次回访，大约需要一分钟。",
                "Hello {name}, this is the hospital hotline with two questions on your stay. It takes a minute.",
            ),
            **_QUESTIONS,
        },
    ),
    Standard(
        code="visit_survey",
        name="昨日就诊满意度抽样（30 人） · Satisfaction, 30 of yesterday's visits",
        kind=CampaignKind.SURVEY,
        audience=VisitSample(kind="visit_sample", size=30),
        at_time="09:00",
        flow="campaign_survey",
        channels=(_PHONE,),
        hours=_CALLS_LONG,
        spoken={
            "greeting": _say(
                "{name}您好，这里是医院服务热线，想了解您{day}就诊的感受，大约需要一分钟。",
                "Hello {name}, this is the hospital hotline with two questions on your visit of {day}.",
            ),
            **_QUESTIONS,
        },
        retry=_ONCE_MORE,
    ),
    _reminder(
        "vaccination",
        "疫苗接种提醒 · Vaccinations",
        Reminders(kind="reminders", kinds=("vaccination",), days_ahead=1),
        "提醒您，{day}需要接种疫苗，{note}。请带好接种证，按时前来。",
        "A vaccination is due on {day}. {note}. Please bring the vaccination record.",
    ),
    _reminder(
        "re_examination",
        "复查提醒 · Re-examinations",
        Reminders(kind="reminders", kinds=("re_examination", "check_up"), days_ahead=1),
        "提醒您，{day}需要来医院{item}，{note}。请按时前来。",
        "Your {item} is due on {day}. {note}. Please come in time.",
    ),
    _reminder(
        "medication",
        "取药提醒 · Medication",
        Reminders(kind="reminders", kinds=("medication",), days_ahead=1),
        "提醒您，{day}需要来医院取药，{note}。请不要中断用药。",
        "New medication is due on {day}. {note}. Please do not stop taking it.",
    ),
)


async def put_standards(
    session: AsyncSession, actor: Actor, *, pbx: str, zone: str, caller_id: str | None, at: datetime
) -> list[Campaign]:
    """Make those that there are not, as drafts; returns the new ones. Repeating it, or having changed them, is no harm.

    ``caller_id``: the number of ours to show; None: the first there is. Raises InvalidCampaign.
    """
    await audience_queries.lock_standards(session)
    known = await audience_queries.list_standards(session)
    missing = [one for one in STANDARDS if one.code not in known]
    if missing and caller_id is None:
        caller_id = min(await queries.list_did_numbers(session), default=None)
    made = []
    for one in missing:
        if caller_id is None:
            raise InvalidCampaign("There is no number of ours to show.", reason="caller_id")
        campaign = await lifecycle.create_campaign(session, actor, one.values(caller_id, zone, at), pbx=pbx, at=at)
        await triggers.put_trigger(session, actor, campaign.id, one.audience, one.at_time, at=at, standard=one.code)
        made.append(campaign)
    return made
