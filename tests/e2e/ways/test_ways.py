"""The shipped flows on the real thing: people who go different ways at the same time, and a hotline that is closed."""

from dataclasses import dataclass

from sqlalchemy import select

from callcenter.core.alarms import Alarm
from callcenter.workorders.models import WorkOrder
from demo import articles
from demo.hospital import COMPLAINT_LINE, EXPERT_LINE, HOTLINE, PATIENTS
from demo.observer import until
from demo.phones import Phone
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Step, Wait
from tests.e2e.hotline import Hotline, agent

KNOWN, LEAVES_MESSAGE, RATES, COMPLAINS, ASKS_EXPERT = PATIENTS[:5]
GOLD, SILVER = (patient for patient in PATIENTS if patient.vip_grade)
GOLD_CARD = "00000006"
"""What is keyed in of the gold patient's card number."""
AWAY_FROM_HOME, ENGLISH, CURIOUS = "13500000011", "13500000012", "13500000013"
TALK_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Caller:
    """``steps``: some of the steps that the record must hold, in this order."""

    number: str
    dials: str
    does: tuple[Step, ...]
    steps: tuple[str, ...]
    outcome: str = "answered"

    @property
    def e164(self) -> str:
        return f"+86{self.number}"


def callers(hotline: Hotline) -> list[Caller]:
    welcome, known = hotline.seconds("greeting") + 1.0, hotline.seconds("greeting_known") + 1.0
    stay = StayUntilHangUp(150)
    until_rated = hotline.seconds("transfer_to_agent") + TALK_SECONDS
    return [
        Caller(
            ENGLISH,
            HOTLINE,
            (Wait(welcome), Press("9"), Wait(1.0), Press("0"), stay),
            ("menu:9", "other_language:next", "menu:0", "queue:answered"),
        ),
        Caller(
            AWAY_FROM_HOME,
            HOTLINE,
            (
                *(Wait(welcome), Press("6"), Wait(1.5), Press(f"{GOLD_CARD}#")),
                *(Wait(1.5), Press(f"{GOLD.check_code}#"), Wait(1.5), Press("1"), stay),
            ),
            ("menu:6", "card:verified", "whose_card:vip", "choice:1", "queue:answered"),
        ),
        Caller(
            CURIOUS,
            HOTLINE,
            (
                *(Wait(welcome), Press("1"), Wait(1.0), Press("2"), Wait(1.0), Press("1"), Wait(1.0), Press("1")),
                *(Wait(4.0), Press("*"), Wait(1.0), HangUp()),
            ),
            ("menu:1", "choice:2", "doctors:back"),
            outcome="self_service",
        ),
        Caller(
            LEAVES_MESSAGE.number,
            HOTLINE,
            (Wait(known), Press("7"), Wait(1.5), Press("#"), Wait(5.0), Press("#"), stay),
            ("menu:7", "message:recorded"),
            outcome="self_service",
        ),
        Caller(
            SILVER.number,
            HOTLINE,
            (Wait(known), Press(f"{SILVER.check_code}#"), Wait(1.5), Press("*"), stay),
            ("code:verified", "choice:star", "emergency:next", "queue:answered"),
        ),
        Caller(
            GOLD.number,
            HOTLINE,
            (Wait(known), Press("*"), stay),
            ("code:emergency", "emergency:next", "queue:answered"),
        ),
        Caller(KNOWN.number, HOTLINE, (Wait(known), Press("5"), stay), ("menu:5", "bill:next", "queue:answered")),
        Caller(ASKS_EXPERT.number, EXPERT_LINE, (stay,), ("who:known", "notice:next", "queue:answered")),
        Caller(
            COMPLAINS.number,
            COMPLAINT_LINE,
            (Wait(hotline.seconds("complaint_notice") + 2.0), Press("2"), stay),
            ("about:2", "tape:next", "take:next", "queue:answered"),
        ),
        Caller(
            RATES.number,
            HOTLINE,
            (
                *(Wait(known), Press("2"), Wait(until_rated + 4.0), Press("5"), Wait(2.0), Press("#")),
                *(Wait(4.0), Press("#"), stay),
            ),
            ("menu:2", "queue:answered", "mark:rated", "remark:next"),
        ),
    ]


async def test_ten_people_go_ten_ways_at_once(hotline: Hotline) -> None:
    async with hotline.database.transaction() as session:
        await articles.load(session)
    await hotline.stack.start_service()
    for number in ("1001", "1002", "1003"):
        await hotline.agent_sits_down(agent(number), [Wait(TALK_SECONDS), HangUp()])
    await hotline.observer.article_is_spoken("doctors", 101)
    everybody = callers(hotline)
    *others, rates = everybody
    phones = [await hotline.phones.call(rates.number, rates.dials, rates.does, speaks=True)]
    await hotline.observer.talking(1)  # this one's keys count on an agent who answers at once
    phones += [await hotline.phones.call(one.number, one.dials, one.does, speaks=True) for one in others]
    await _all_done(phones)

    records = {one.number: await hotline.finished_call(one.e164) for one in everybody}
    for one in everybody:
        assert records[one.number].outcome == one.outcome, one
        assert _in_order(one.steps, await hotline.steps(records[one.number])), one
    assert records[ENGLISH].language == "en"
    by_card = records[AWAY_FROM_HOME]
    assert (by_card.verified, by_card.vip_grade, by_card.queue_name) == (True, "gold", "vip")
    assert records[RATES.number].rating == 5
    assert records[SILVER.number].verified
    assert not records[GOLD.number].verified
    assert await _work_orders(hotline) == {
        ("message", records[LEAVES_MESSAGE.number].id),
        ("complaint", records[COMPLAINS.number].id),
    }
    assert await _emergencies(hotline) == {records[SILVER.number].id, records[GOLD.number].id}


async def test_a_closed_hotline_says_so_and_takes_messages(hotline: Hotline) -> None:
    service = await hotline.stack.start_service()
    await hotline.agent_sits_down(agent("1001"))
    api = await hotline.api(service)
    words = {"announcement_zh": "因系统故障，人工服务暂停。", "announcement_en": "Our service is interrupted."}
    closure = await api.post("/api/v1/closures", json=words)
    closure.raise_for_status()
    menu = hotline.seconds("closed_emergency") + 3.0
    leaves = await hotline.call(
        KNOWN, HOTLINE, [Wait(menu), Press("1"), Wait(1.5), Press("#"), Wait(5.0), Press("#"), StayUntilHangUp(60)]
    )
    listens = await hotline.call(RATES, HOTLINE, [Wait(menu), Press("2"), Wait(1.0), Press("3"), Wait(3.0), HangUp()])
    await _all_done([leaves, listens])
    left = await hotline.finished_call(KNOWN.e164)
    assert _in_order(("open_now:closure", "choice:1"), await hotline.steps(left))
    listened = await hotline.finished_call(RATES.e164)
    assert _in_order(("open_now:closure", "choice:2", "choice:3"), await hotline.steps(listened))
    assert left.queue_name is listened.queue_name is None

    (await api.post(f"/api/v1/closures/{closure.json()['id']}/end")).raise_for_status()
    served = await hotline.ask_for_a_person(ASKS_EXPERT, [StayUntilHangUp(60)])
    await served.done(90)
    assert (await hotline.finished_call(ASKS_EXPERT.e164)).outcome == "answered"


async def _all_done(phones: list[Phone]) -> None:
    for phone in phones:
        await phone.done(180)


def _in_order(wanted: tuple[str, ...], found: list[str]) -> bool:
    steps = iter(found)
    return all(step in steps for step in wanted)


async def _work_orders(hotline: Hotline) -> set[tuple[str, str]]:
    async with hotline.database.transaction() as session:
        return {(order.kind, order.call_id) for order in await session.scalars(select(WorkOrder))}


async def _emergencies(hotline: Hotline) -> set[str]:
    async def look() -> list[Alarm]:
        async with hotline.database.transaction() as session:
            return list(await session.scalars(select(Alarm).where(Alarm.kind == "emergency")))

    return {str(alarm.details["call_id"]) for alarm in await until("the emergencies' alarms", look)}
