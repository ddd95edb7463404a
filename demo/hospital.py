"""The sample hospital: departments, doctors, patients, cards, VIPs, queues, agents, a week of past visits.

All names and numbers are invented. Check codes and PINs stand here in clear: it is a demo.
"""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts import service as accounts
from callcenter.accounts.models import Role
from callcenter.agents import service as agents
from callcenter.agents.models import PauseReason
from callcenter.calendar import service as calendar
from callcenter.calendar.spans import ALL_DAY, Span
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from callcenter.core.security import keyed_code_hash
from callcenter.desk import dispositions
from callcenter.desk.forms import FieldKind, FormField, Option
from callcenter.directory.models import Department, Doctor
from callcenter.patients.models import Appointment, Card, Patient, PatientNumber, VipGrade, Visit
from callcenter.queues.models import Did, Queue, QueueMembership
from callcenter.workorders import service as workorders

HOTLINE, COMPLAINT_LINE, EXPERT_LINE = "8000", "8001", "8002"


@dataclass(frozen=True, slots=True)
class SamplePatient:
    """``number`` as the telephone network shows it."""

    name: str
    number: str
    vip_grade: str | None = None
    check_code: str = "246810"

    @property
    def e164(self) -> str:
        return f"+86{self.number}"


@dataclass(frozen=True, slots=True)
class SampleAgent:
    number: str
    name: str
    seat: str
    pin: str
    queues: tuple[tuple[str, int], ...]
    """(queue, penalty)"""
    talk_seconds: float = 12.0
    """How long this agent talks before hanging up."""

    @property
    def username(self) -> str:
        return f"agent{self.number}"


PATIENTS = (
    SamplePatient("张伟", "13800000001"),
    SamplePatient("王芳", "13800000002"),
    SamplePatient("刘洋", "13800000003"),
    SamplePatient("陈静", "13800000004"),
    SamplePatient("杨帆", "13800000005"),
    SamplePatient("赵敏", "13900000006", vip_grade="gold", check_code="135790"),
    SamplePatient("黄磊", "13900000007", vip_grade="silver", check_code="864202"),
    *(SamplePatient(f"患者{index:02d}", f"137000000{index:02d}") for index in range(10, 40)),
)

AGENTS = (
    SampleAgent(
        "1001", "李娜", "seat-rose", "4711", (("vip", 0), ("consultation", 0), ("expert", 0)), talk_seconds=24.0
    ),
    SampleAgent(
        "1002", "王强", "seat-lotus", "4712", (("vip", 0), ("consultation", 0), ("expert", 0)), talk_seconds=28.0
    ),
    SampleAgent("1003", "赵雪", "seat-maple", "4713", (("complaint", 0),)),
)

_DEPARTMENTS = (
    ("card", "心内科", "Cardiology"),
    ("paed", "儿科", "Paediatrics"),
    ("gyn", "妇产科", "Gynaecology"),
    ("orth", "骨科", "Orthopaedics"),
)
_DOCTORS = (
    ("d101", "周建国", "Zhou Jianguo", "card"),
    ("d102", "吴秀英", "Wu Xiuying", "paed"),
    ("d103", "郑海燕", "Zheng Haiyan", "gyn"),
    ("d104", "孙志强", "Sun Zhiqiang", "orth"),
)
_QUEUES: tuple[tuple[str, str, str, dict[str, object]], ...] = (
    (
        "consultation",
        "咨询",
        "Consultation",
        {
            "last_agent_first": True,
            "exit_keys": "12",
            "comfort_prompts": ["queue_callback_offer", "queue_comfort"],
        },
    ),
    ("complaint", "投诉", "Complaints", {"excludes_complained_agent": True}),
    ("vip", "贵宾", "VIP", {"last_agent_first": True, "overflow_to": "consultation"}),
    ("expert", "专家", "Experts", {}),
)
_DIDS = (
    (HOTLINE, "服务热线", "Hotline", "consultation"),
    (COMPLAINT_LINE, "投诉专线", "Complaint line", "complaint"),
    (EXPERT_LINE, "专家热线", "Expert line", "consultation"),
)
_HOTLINE, _OFFICE = "hotline", "office"
"""Schedules: the queues of the demo are open day and night, so that it runs at any hour; the other is a real one."""
_OFFICE_HOURS = dict.fromkeys(calendar.WEEKDAYS[:5], (Span(8 * 60, 17 * 60 + 30),)) | {
    "saturday": (Span(8 * 60, 12 * 60),)
}
_GRADES = (("gold", "金卡", "Gold", 600), ("silver", "银卡", "Silver", 300))
_TOPICS = (
    ("booking", "预约挂号", "Booking"),
    ("report", "检查报告", "Test report"),
    ("price", "费用与医保", "Prices and insurance"),
    ("advice", "就医指导", "Where to go"),
    ("other", "其他", "Other"),
)
_CATEGORIES = (
    ("service", None, "服务", "Service"),
    ("waiting_time", "service", "候诊时间", "Waiting time"),
    ("attitude", "service", "服务态度", "Attitude"),
    ("facilities", None, "环境设施", "Facilities"),
    ("treatment", None, "诊疗", "Treatment"),
)
_PAUSE_REASONS = (("lunch", "午餐", "Lunch", "1"), ("meeting", "会议", "Meeting", "2"), ("rest", "休息", "Rest", "3"))


async def load(
    session: AsyncSession, *, code_key: str, admin_password: str, agent_password: str, wrap_up_seconds: int = 2
) -> dict[str, str]:
    """Fill an empty database; returns each seat's SIP password. ``wrap_up_seconds``: of all queues."""
    await _load_schedules(session)
    await _load_queues(session, wrap_up_seconds)
    await _load_what_agents_are_asked(session)
    doctors = await _load_directory(session)
    await _load_patients(session, doctors, code_key)
    await accounts.create_admin(session, "admin", admin_password, "演示管理员")
    return await _load_agents(session, code_key, agent_password)


async def _load_schedules(session: AsyncSession) -> None:
    for name, label_zh, label_en, hours in (
        (_HOTLINE, "服务热线", "Hotline", dict.fromkeys((*calendar.WEEKDAYS, calendar.PUBLIC_HOLIDAY), ALL_DAY)),
        (_OFFICE, "办公时间", "Office hours", _OFFICE_HOURS),
    ):
        await calendar.put_schedule(session, SYSTEM, name, label_zh=label_zh, label_en=label_en, hours=hours)


async def _load_queues(session: AsyncSession, wrap_up_seconds: int) -> None:
    for name, label_zh, label_en, values in _QUEUES:
        session.add(
            Queue(
                name=name,
                label_zh=label_zh,
                label_en=label_en,
                wrap_up_seconds=wrap_up_seconds,
                schedule_name=_HOTLINE,
                **values,
            )
        )
        await session.flush()  # one may overflow to an earlier one
    for number, label_zh, label_en, queue in _DIDS:
        session.add(Did(number=number, label_zh=label_zh, label_en=label_en, fallback_queue=queue))
    for code, label_zh, label_en, digit in _PAUSE_REASONS:
        session.add(PauseReason(code=code, label_zh=label_zh, label_en=label_en, digit=digit))
    await session.flush()


async def _load_what_agents_are_asked(session: AsyncSession) -> None:
    topics = tuple(Option(code, zh, en) for code, zh, en in _TOPICS)
    fields = (
        FormField("topic", FieldKind.CHOICE, "咨询内容", "About", required=True, options=topics),
        FormField("solved", FieldKind.YES_NO, "是否解决", "Solved", required=True),
        FormField("call_again_on", FieldKind.DATE, "再次联系日期", "Call again on"),
        FormField("remark", FieldKind.TEXT, "说明", "Remark", max_length=500),
    )
    for queue in ("consultation", "vip", "expert"):
        await dispositions.put_form(session, SYSTEM, queue, fields, now())
    for code, parent, label_zh, label_en in _CATEGORIES:
        await workorders.put_category(
            session, SYSTEM, code, parent=parent, label_zh=label_zh, label_en=label_en, active=True
        )


async def _load_directory(session: AsyncSession) -> list[Doctor]:
    departments = {code: Department(code=code, name_zh=zh, name_en=en) for code, zh, en in _DEPARTMENTS}
    session.add_all(departments.values())
    await session.flush()
    doctors = [
        Doctor(code=code, name_zh=zh, name_en=en, title_zh="主任医师", title_en="MD", department_id=departments[of].id)
        for code, zh, en, of in _DOCTORS
    ]
    session.add_all(doctors)
    await session.flush()
    return doctors


async def _load_patients(session: AsyncSession, doctors: list[Doctor], code_key: str) -> None:
    chance = random.Random(20240101)  # noqa: S311 - the same sample each time
    at = now()
    for code, label_zh, label_en, head_start in _GRADES:
        session.add(VipGrade(code=code, label_zh=label_zh, label_en=label_en, head_start_seconds=head_start))
    await session.flush()
    for index, sample in enumerate(PATIENTS, start=1):
        doctor = chance.choice(doctors)
        patient = Patient(
            external_id=f"P{index:06d}",
            name=sample.name,
            sex=chance.choice(("female", "male")),
            birth_date=date(1940 + chance.randrange(70), 1 + chance.randrange(12), 1 + chance.randrange(28)),
            vip_grade=sample.vip_grade,
            responsible_doctor_id=doctor.id,
            created_at=at,
            updated_at=at,
        )
        session.add(patient)
        await session.flush()
        card = f"JZ{index:08d}"
        session.add(PatientNumber(e164=sample.e164, patient_id=patient.id))
        session.add(
            Card(
                number=card,
                patient_id=patient.id,
                check_code_hash=keyed_code_hash(sample.check_code, owner=card, key=code_key),
            )
        )
        session.add(
            Visit(
                external_id=f"V{index:06d}",
                patient_id=patient.id,
                kind="outpatient",
                department_id=doctor.department_id,
                doctor_id=doctor.id,
                visited_at=at - timedelta(hours=chance.randrange(1, 7 * 24)),
                summary="复诊",
            )
        )
        session.add(
            Appointment(
                external_id=f"A{index:06d}",
                patient_id=patient.id,
                department_id=doctor.department_id,
                doctor_id=doctor.id,
                booked_at=at - timedelta(days=2),
                starts_at=at + timedelta(days=chance.randrange(1, 14)),
                status="booked",
            )
        )
    await session.flush()


async def _load_agents(session: AsyncSession, code_key: str, agent_password: str) -> dict[str, str]:
    passwords = {}
    for sample in AGENTS:
        seat = await agents.create_seat(session, name=sample.seat, label=f"座席 {sample.number}")
        passwords[seat.name] = seat.sip_password
        agent = await agents.create_agent(
            session, number=sample.number, display_name=sample.name, pin=sample.pin, key=code_key
        )
        user = await accounts.create_user(
            session,
            SYSTEM,
            username=sample.username,
            password=agent_password,
            display_name=sample.name,
            roles=[Role.AGENT],
            queue_scope=[],
        )
        agent.user_id = user.id
        session.add_all(
            QueueMembership(queue_name=queue, agent_id=agent.id, penalty=penalty) for queue, penalty in sample.queues
        )
    await session.flush()
    return passwords
