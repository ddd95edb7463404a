"""The story that `make demo` plays: who calls, what they do, and what the records must say afterwards.

Simulated people do not hear: they press a key when the prompt before it must be over, by the prompts' own lengths.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from callcenter.core.clock import now
from callcenter.ivr.prompts import PromptLibrary
from demo.hospital import AGENTS, COMPLAINT_LINE, HOTLINE, PATIENTS, SampleAgent, SamplePatient
from demo.observer import Observer
from demo.phones import Phone, PhoneSystem
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Step, Wait

HEARS_SECONDS = 2.5
"""A person listens a little before pressing: the hotline may be busy, and what follows must have begun."""
PATIENCE_SECONDS = 6.0
"""How long the caller who gives up waits in the queue."""

VIP_FIRST = ("赵敏", "张伟")
"""The first entered a queue later than the second, and was answered earlier."""

UNKNOWN_NUMBER = "13500000099"
DOCTOR = 101
"""Whose article the unknown caller wants to hear (demo/articles.py)."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the record of one call must say. ``queues``: the queue visits in order, each with its outcome."""

    who: str
    number: str
    outcome: str
    queues: tuple[tuple[str, str], ...] = ()
    agents: tuple[str, ...] = ()
    """Any of these agents may have served it."""
    verified: bool = False
    known: bool = False
    steps: tuple[str, ...] = ()
    """These steps of the flow, in this order, others may lie between."""
    work_order: bool = False


@dataclass(slots=True)
class Story:
    """Plays it, and says what to expect. ``tell``: prints one line of the timeline."""

    phones: PhoneSystem
    observer: Observer
    prompts: PromptLibrary
    seat_passwords: dict[str, str]
    tell: Callable[[str], None]
    agent_log_in: Callable[[SampleAgent], Awaitable[None]]
    """Logs an agent in over the agent API."""
    started_at: datetime = field(default_factory=now)
    expected: list[Expected] = field(default_factory=list)

    async def play(self) -> None:
        """A minute and a half. The acts overlap, as calls do."""
        logging_in = await self._agents_arrive()
        await self.observer.article_is_spoken("doctors", DOCTOR)
        await self.observer.agent_takes_calls(AGENTS[0])
        unknown = await self._unknown_caller_informs_himself()
        busy = await self._agents_are_kept_busy()
        await self.observer.talking(2)
        self.tell("all agents of the consultation queue are talking")
        complains = await self._complaint()
        known = await self._known_patient_waits()
        gives_up = await self._caller_gives_up()
        vip = await self._vip_calls_later()
        await self._all_done([logging_in, unknown, complains, *busy, gives_up, vip, known])

    # -- the acts

    async def _agents_arrive(self) -> Phone:
        """The first logs in from the telephone, the others at the desk."""
        for agent in AGENTS:
            await self.phones.plug_in(
                agent.seat, self.seat_passwords[agent.seat], [Wait(agent.talk_seconds), HangUp()], ring_seconds=1.0
            )
            await self.observer.telephone_is_there(agent.seat)
        first, *others = AGENTS
        self.tell(f"agent {first.number} {first.name} logs in from the telephone: *11, number, PIN")
        phone = await self.phones.dial_from_seat(
            first.seat,
            self.seat_passwords[first.seat],
            "*11",
            [
                Wait(self._seconds("agent_ask_number") + 1.0),
                Press(f"{first.number}#"),
                Wait(self._seconds("agent_ask_pin") + 1.0),
                Press(f"{first.pin}#"),
                StayUntilHangUp(20),
            ],
        )
        for agent in others:
            self.tell(f"agent {agent.number} {agent.name} logs in at the desk (API)")
            await self.agent_log_in(agent)
            await self.observer.agent_takes_calls(agent)
        return phone

    async def _unknown_caller_informs_himself(self) -> Phone:
        """Hears about a doctor whose number they know, goes back by *, and hangs up: no agent needed."""
        self.tell(f"an unknown caller dials {HOTLINE}: 1 (information), 1 (a doctor by number), {DOCTOR}")
        steps = ("menu", "information", "choice", "doctor_by_number")
        self._expect("unknown caller", UNKNOWN_NUMBER, "self_service", steps=steps)
        return await self.phones.call(
            UNKNOWN_NUMBER,
            HOTLINE,
            [
                Wait(self._seconds("greeting") + HEARS_SECONDS),
                Press("1"),
                Wait(HEARS_SECONDS),
                Press("1"),
                Wait(HEARS_SECONDS),
                Press(f"{DOCTOR}#"),
                Wait(8.0),
                Press("*"),
                Wait(1.5),
                HangUp(),
            ],
            name="unknown caller",
        )

    async def _agents_are_kept_busy(self) -> list[Phone]:
        """Two known patients ask for a person and talk with both agents of the consultation queue."""
        busy = []
        for patient in PATIENTS[3:5]:
            self.tell(f"{patient.name} (known by number) asks for a person: 2")
            self._expect(
                patient.name,
                patient.number,
                "answered",
                queues=(("consultation", "answered"),),
                agents=("1001", "1002"),
                known=True,
                steps=("who", "menu", "queue", "mark"),
            )
            busy.append(await self._ask_for_a_person(patient, [StayUntilHangUp(60)]))
        return busy

    async def _known_patient_waits(self) -> Phone:
        patient = PATIENTS[0]
        self.tell(f"{patient.name} (known by number) asks for a person: all agents are busy, so he waits")
        self._expect(
            patient.name,
            patient.number,
            "answered",
            queues=(("consultation", "answered"),),
            agents=("1001", "1002"),
            known=True,
            steps=("who", "menu", "queue", "mark"),
        )
        await self.observer.pause(0.5)  # people do not dial in the same instant
        return await self._ask_for_a_person(patient, [StayUntilHangUp(90)])

    async def _caller_gives_up(self) -> Phone:
        patient = PATIENTS[1]
        self.tell(f"{patient.name} waits too, and gives up after {PATIENCE_SECONDS:g} s")
        self._expect(
            patient.name,
            patient.number,
            "abandoned",
            queues=(("consultation", "abandoned"),),
            known=True,
            steps=("who", "menu"),
        )
        return await self._ask_for_a_person(
            patient, [Wait(self._seconds("transfer_to_agent") + PATIENCE_SECONDS), HangUp()]
        )

    async def _vip_calls_later(self) -> Phone:
        patient = next(patient for patient in PATIENTS if patient.vip_grade == "gold")
        self.tell(f"{patient.name} (gold card) calls later, keys in the check code, and goes ahead of those who wait")
        self._expect(
            patient.name,
            patient.number,
            "answered",
            queues=(("vip", "answered"),),
            agents=("1001", "1002"),
            known=True,
            verified=True,
            steps=("who", "code", "choice", "queue"),
        )
        await self.observer.pause(1.0)
        return await self.phones.call(
            patient.number,
            HOTLINE,
            [
                Wait(self._seconds("greeting_known") + HEARS_SECONDS),
                Press(f"{patient.check_code}#"),
                Wait(HEARS_SECONDS),
                Press("1"),  # a person, without hearing the menu out
                StayUntilHangUp(90),
            ],
            name=patient.name,
        )

    async def _complaint(self) -> Phone:
        patient = PATIENTS[2]
        self.tell(f"{patient.name} dials the complaint line {COMPLAINT_LINE}: recorded, a work order is opened")
        self._expect(
            patient.name,
            patient.number,
            "answered",
            queues=(("complaint", "answered"),),
            agents=("1003",),
            known=True,
            work_order=True,
        )
        return await self.phones.call(patient.number, COMPLAINT_LINE, [StayUntilHangUp(90)], name=patient.name)

    async def _all_done(self, calls: list[Phone]) -> None:
        self.tell("waiting until everybody has been served")
        await asyncio.gather(*(call.done(120) for call in calls))
        self.tell("all callers have hung up")

    # -- helpers

    async def _ask_for_a_person(self, patient: SamplePatient, then: list[Step]) -> Phone:
        return await self.phones.call(
            patient.number,
            HOTLINE,
            [Wait(self._seconds("greeting_known") + HEARS_SECONDS), Press("2"), *then],
            name=patient.name,
        )

    def _expect(self, who: str, number: str, outcome: str, **more: object) -> None:
        self.expected.append(Expected(who, f"+86{number}", outcome, **more))  # type: ignore[arg-type]

    def _seconds(self, prompt: str) -> float:
        return self.prompts.duration_seconds(prompt, "zh")
