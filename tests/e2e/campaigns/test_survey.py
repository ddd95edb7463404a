"""A survey by telephone: answers with their question, a dropped one is no complete one, who opts out is left alone."""

import asyncio

from sqlalchemy import select

from callcenter.callouts.models import DoNotCallEntry
from demo.hospital import SamplePatient
from demo.observer import until
from demo.sip_scenarios import Called, HangUp, Press, StayUntilHangUp, Step, Wait
from tests.e2e.campaigns.scheduler import Campaigns
from tests.e2e.hotline import Hotline

WHOLE, HALF, NEVER = "13800000501", "13800000502", "13800000503"
TEXTS = {
    "spoken": {
        "greeting": {"zh": "您好，这里是市人民医院。"},
        "satisfied": {"zh": "您满意吗，请按1到5。"},
        "waiting": {"zh": "候诊时间呢，请按1到5。"},
    }
}


async def test_answers_partial_and_opted_out(hotline: Hotline, campaigns: Campaigns) -> None:
    await hotline.stack.start_service()
    after_greeting = 5.0
    yes: list[Step] = [Wait(after_greeting), Press("1"), Wait(4), Press("5")]
    await hotline.phones.network_at_trunk(
        hotline.settings.trunk_port,
        {
            WHOLE: Called([*yes, Wait(4), Press("4"), Wait(12), HangUp()]),
            HALF: Called([*yes, Wait(1), HangUp()]),
            NEVER: Called([Wait(after_greeting), Press("2"), StayUntilHangUp(60)]),
        },
    )
    campaign = await campaigns.given(
        kind="survey",
        flow="campaign_survey",
        texts=TEXTS,
        retry={"most_attempts": 1, "after": {}},
        pacing={"calls_per_second": 5},
    )
    await campaigns.add(campaign, *(SamplePatient("王小明", number) for number in (WHOLE, HALF, NEVER)))
    await campaigns.becomes(campaign, "running")
    whole, half, never = await asyncio.gather(
        *(campaigns.after(campaign, number, 1, timeout_seconds=120) for number in (WHOLE, HALF, NEVER))
    )
    assert (whole["status"], whole["result"]) == ("completed", "reached")
    assert {(one["question"], one["value"]) for one in whole["answers"]} == {("satisfied", "5"), ("waiting", "4")}
    assert all(one["revision"] for one in whole["answers"])
    assert (half["status"], half["result"]) == ("partial", "unreachable")
    assert [(one["question"], one["value"]) for one in half["answers"]] == [("satisfied", "5")]
    assert (never["status"], never["result"]) == ("refused", "refused")
    async with hotline.database.transaction() as session:
        assert list(await session.scalars(select(DoNotCallEntry.e164))) == [f"+86{NEVER}"]

    again = await campaigns.given(
        kind="notice", flow="campaign_notice", texts={"spoken": {"message": {"zh": "通知。"}}}
    )
    await campaigns.add(again, SamplePatient("王小明", NEVER))
    await campaigns.becomes(again, "running")

    async def refused() -> bool:
        found = await campaigns.contact(again, NEVER)
        return (found["state"], found["reason"]) == ("finished", "do_not_call")

    await until("who opted out is not called", refused, timeout_seconds=40)
