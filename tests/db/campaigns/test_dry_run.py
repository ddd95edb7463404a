"""What would happen, over real rows: nothing of it is changed, and the rules are those that dial."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.models import Role
from callcenter.callouts.models import CallOutCount, DoNotCallEntry
from callcenter.campaigns import dry_run as dry_runs
from callcenter.campaigns.dry_run import DryRun, dry_run
from callcenter.campaigns.models import Campaign, CampaignAttempt, CampaignContact
from callcenter.core.clock import now
from callcenter.core.db import Database
from tests.support.api import as_role
from tests.support.audiences import HOME, ZONE, given_campaign, given_patient, local

AT = local("2026-11-24T10:00")  # a Tuesday
OFFICE = {"week": [["09:00-12:00", "14:00-18:00"]] * 5 + [[]] * 2, "on_holidays": True}


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.transaction() as session:
        yield session


async def given_contact(session: AsyncSession, campaign: Campaign, key: str, **values: Any) -> CampaignContact:
    numbers = values.pop("numbers", [f"+86138{len(key):04d}{sum(key.encode()):04d}"])
    contact = CampaignContact(
        **{
            "campaign_id": campaign.id,
            "key": key,
            "person": values.get("patient_id") or (numbers[0] if numbers else key),
            "name": key,
            "language": "zh",
            "numbers": numbers,
            "variables": {},
            "state": "waiting",
            "next_at": AT - timedelta(hours=1),
            "next_channel": "telephone",
            "status": "registered",
            "created_at": AT,
            **values,
        }
    )
    contact.person = str(contact.person)
    session.add(contact)
    await session.flush()
    return contact


async def foresee(session: AsyncSession, campaign: Campaign, at: datetime = AT) -> dict[str, tuple[str, str, str]]:
    run = await dry_run(session, campaign, HOME, at, after=None, limit=100)
    return {
        one.contact.key: (
            one.decision,
            one.reason,
            one.at.astimezone(ZONE).strftime("%m-%d %H:%M") if one.at else "",
        )
        for one in run.page
    }


async def test_who_is_called_when_and_who_not(session: AsyncSession) -> None:
    campaign = await given_campaign(session, windows=OFFICE, kind="care")
    dead = await given_patient(session, "P1", deceased=True)
    ward = await given_patient(session, "P2")
    await session.execute(
        text(
            "INSERT INTO visits (id, external_id, patient_id, kind, visited_at, summary)"
            " VALUES (gen_random_uuid(), 'V1', :patient, 'inpatient', :at, '')"
        ),
        {"patient": ward.id, "at": AT - timedelta(days=1)},
    )
    session.add(DoNotCallEntry(e164="+8613800000009", reason="asked", added_at=AT, added_by="test"))
    await session.flush()
    await given_contact(session, campaign, "now")
    await given_contact(session, campaign, "noon", next_at=local("2026-11-24T12:00"))
    await given_contact(session, campaign, "friday", next_at=local("2026-11-27T18:00"))
    await given_contact(session, campaign, "urumqi", zone="Asia/Urumqi")
    await given_contact(session, campaign, "dead", patient_id=dead.id)
    await given_contact(session, campaign, "ward", patient_id=ward.id)
    await given_contact(session, campaign, "listed", numbers=["+8613800000009"])
    await given_contact(session, campaign, "second", numbers=["+8613800000009", "+8613800000010"])
    await given_contact(session, campaign, "abroad", numbers=["+12025550123"])
    await given_contact(session, campaign, "over", state="finished", reason="completed", result="reached")
    await given_contact(session, campaign, "goes on", state="dialling")
    await given_contact(session, campaign, "late", next_at=local("2039-12-31T20:00"))
    assert await foresee(session, campaign) == {
        "now": ("called", "due", "11-24 10:00"),
        "noon": ("called", "outside_hours", "11-24 14:00"),
        "friday": ("called", "outside_hours", "11-30 09:00"),
        "urumqi": ("called", "outside_hours", "11-24 11:00"),
        "dead": ("not_called", "deceased", ""),
        "ward": ("not_called", "in_hospital", ""),
        "listed": ("not_called", "do_not_call", ""),
        "second": ("called", "do_not_call", "11-24 10:00"),
        "abroad": ("not_called", "abroad", ""),
        "over": ("finished", "completed", ""),
        "goes on": ("dialling", "due", ""),
        "late": ("not_called", "too_late", ""),
    }


async def test_what_was_done_today_puts_off(session: AsyncSession) -> None:
    campaign = await given_campaign(session)
    contacts = {
        key: await given_contact(session, campaign, key, numbers=[f"+861380000000{number}"])
        for number, key in enumerate(("talked", "rung thrice", "counted", "free"), start=1)
    }

    def attempt(key: str, number: int, outcome: str, at: datetime) -> CampaignAttempt:
        contact = contacts[key]
        return CampaignAttempt(
            id=f"{key}{number}",
            contact_id=contact.id,
            campaign_id=campaign.id,
            person=contact.person,
            number=number,
            channel="telephone",
            address=contact.numbers[0],
            pbx="main",
            day=at.astimezone(ZONE).date(),
            claimed_at=at,
            answered_at=at if outcome == "completed" else None,
            is_open=False,
            outcome=outcome,
        )

    session.add(attempt("talked", 1, "completed", AT - timedelta(hours=1)))
    session.add_all(attempt("rung thrice", n, "busy", AT - timedelta(hours=n)) for n in (1, 2, 3))
    session.add(CallOutCount(day=AT.astimezone(ZONE).date(), scope="number", subject="+8613800000003", taken=6))
    await session.flush()
    assert await foresee(session, campaign) == {
        "talked": ("called", "conversation_today", "11-25 08:00"),  # midnight, then the quiet hours
        "rung thrice": ("called", "number_today", "11-25 08:00"),
        "counted": ("called", "number_limit", "11-25 08:00"),
        "free": ("called", "due", "11-24 10:00"),
    }


async def test_nothing_is_changed_and_no_place_is_taken(session: AsyncSession) -> None:
    campaign = await given_campaign(session)
    for key in ("a", "b"):
        await given_contact(session, campaign, key, numbers=["+8613800000001" if key == "a" else "+12025550123"])
    columns = "md5(string_agg(campaign_contacts::text, ',' ORDER BY id))"
    before = (await session.execute(text(f"SELECT {columns} FROM campaign_contacts"))).scalar_one()  # noqa: S608
    await foresee(session, campaign)
    await session.flush()
    after = (await session.execute(text(f"SELECT {columns} FROM campaign_contacts"))).scalar_one()  # noqa: S608
    assert after == before
    for table in (CallOutCount, CampaignAttempt):
        assert await session.scalar(select(func.count()).select_from(table)) == 0


async def test_texts_that_cannot_be_filled_in_and_campaigns_that_are_over(session: AsyncSession) -> None:
    texts = {"spoken": {"greeting": {"zh": "{name}您好，{when}见。"}}}
    campaign = await given_campaign(session, texts=texts)
    await given_contact(session, campaign, "lacks", state="new")
    await given_contact(session, campaign, "has", state="new", variables={"when": "明天"})
    assert {key: one[:2] for key, one in (await foresee(session, campaign)).items()} == {
        "lacks": ("not_called", "unknown_variable"),
        "has": ("called", "due"),
    }
    campaign.state = "cancelled"
    assert {one[:2] for one in (await foresee(session, campaign)).values()} == {("not_called", "campaign_over")}


async def test_letters_keep_to_hours_and_to_the_list_but_wait_for_no_conversation(session: AsyncSession) -> None:
    campaign = await given_campaign(session, channels=["email", "sms"], windows=OFFICE)
    session.add(DoNotCallEntry(e164="+8613800000009", reason="asked", added_at=AT, added_by="test"))
    await session.flush()
    mail: dict[str, Any] = {"email": "a@example.com", "next_channel": "email"}
    await given_contact(session, campaign, "letter", numbers=[], **mail)
    await given_contact(session, campaign, "noon", numbers=[], next_at=local("2026-11-24T12:30"), **mail)
    await given_contact(session, campaign, "unwilling", numbers=["+8613800000009"], **mail)
    await given_contact(session, campaign, "half", numbers=["+8613800000009", "+8613800000008"], **mail)
    numbers = ["+8613800000009", "+8613800000007"]
    await given_contact(session, campaign, "text", numbers=numbers, person="a", next_channel="sms")
    await given_contact(session, campaign, "again", numbers=numbers, person="b", next_channel="sms", attempts=1)
    assert await foresee(session, campaign) == {
        "letter": ("written", "due", "11-24 10:00"),
        "noon": ("written", "outside_hours", "11-24 14:00"),
        "unwilling": ("not_called", "do_not_call", ""),
        "half": ("written", "due", "11-24 10:00"),
        "text": ("written", "do_not_call", "11-24 10:00"),
        "again": ("not_called", "do_not_call", ""),
    }


async def test_counts_are_of_all_and_pages_of_some(session: AsyncSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_runs, "_AT_ONCE", 4)
    campaign = await given_campaign(session)
    for number in range(10):
        numbers = ["+12025550123"] if number % 5 == 0 else [f"+861380000010{number}"]
        await given_contact(session, campaign, f"K{number}", numbers=numbers, person=str(number))

    async def page(after: Any, limit: int = 3) -> DryRun:
        return await dry_run(session, campaign, HOME, AT, after=after, limit=limit)

    first = await page(None)
    assert (first.contacts, first.counted, len(first.page)) == (10, 10, 4)
    assert first.by_decision == {"called": 8, "not_called": 2}
    assert first.by_reason == {"due": 8, "abroad": 2}
    second = await page(first.page[2].contact.id)
    assert second.page[0].contact.id == first.page[3].contact.id
    monkeypatch.setattr(dry_runs, "MOST_COUNTED", 6)
    assert ((await page(None)).counted, (await page(None)).contacts) == (6, 10)


async def test_the_api_gives_pages(client: httpx.AsyncClient, database: Database) -> None:
    headers = await as_role(database, Role.SCHEDULER)
    async with database.transaction() as session:
        campaign = await given_campaign(session, state="draft")
        for number in range(3):
            await given_contact(
                session, campaign, f"K{number}", numbers=[f"+861380000010{number}"], next_at=now(), state="new"
            )
    url = f"/api/v1/campaigns/{campaign.id}/dry-run?limit=2"
    first = (await client.get(url, headers=headers)).json()
    assert (first["contacts"], first["counted"], first["by_decision"]) == (3, 3, {"called": 3})
    assert [one["key"] for one in first["items"]] == ["K0", "K1"]
    rest = (await client.get(f"{url}&cursor={first['next_cursor']}", headers=headers)).json()
    assert [(one["key"], one["channel"], one["number"]) for one in rest["items"]] == [
        ("K2", "telephone", "+8613800000102")
    ]
    assert rest["next_cursor"] is None
