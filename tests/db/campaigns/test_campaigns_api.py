"""Campaigns over HTTP: made, changed, started, stopped; whom they are for; what became of it."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from callcenter.accounts.models import Role
from callcenter.campaigns import contacts, lifecycle, queries
from callcenter.campaigns.models import CampaignContact, CampaignState, ContactDecision
from callcenter.core.audit import AuditEntry
from callcenter.core.db import Database
from tests.support.api import as_api_key, as_role, declared_roles
from tests.support.campaigns import (
    AT,
    WORDS,
    add,
    attempts,
    campaign_body,
    contact,
    given_appointment,
    given_campaign,
    given_patient,
    person,
    place,
    set_state,
    why,
)
from tests.support.people import PBX

CAMPAIGNS, LIMITS = "/api/v1/campaigns", "/api/v1/campaigns/limits"
READERS = ["admin", "quality", "scheduler", "supervisor"]
SENDERS = ["admin", "integration", "scheduler"]
Headers = dict[str, str]
MADE_UP = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def scheduler(database: Database) -> Headers:
    return await as_role(database, Role.SCHEDULER)


async def audited(database: Database) -> list[str]:
    async with database.transaction() as session:
        query = select(AuditEntry.action).where(AuditEntry.action.startswith("campaigns."))
        return list(await session.scalars(query.order_by(AuditEntry.id)))


async def made(client: httpx.AsyncClient, headers: Headers, **changes: Any) -> dict[str, Any]:
    answer = await client.post(CAMPAIGNS, headers=headers, json=campaign_body(**changes))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def becomes(client: httpx.AsyncClient, headers: Headers, campaign: str, state: str) -> httpx.Response:
    return await client.put(f"{CAMPAIGNS}/{campaign}/state", headers=headers, json={"state": state})


async def send(client: httpx.AsyncClient, headers: Headers, campaign: str, *people: dict[str, Any]) -> httpx.Response:
    return await client.post(f"{CAMPAIGNS}/{campaign}/contacts", headers=headers, json={"contacts": people})


def problem_of(answer: httpx.Response) -> tuple[int, str, dict[str, Any]]:
    problem = answer.json()
    return answer.status_code, problem["code"], problem["details"]


def someone(index: int = 1, **more: Any) -> dict[str, Any]:
    return {"key": f"p{index}", "numbers": [f"138{index:08}"], **more}


async def test_who_may_do_what(client: httpx.AsyncClient) -> None:
    found = await declared_roles(client, "campaigns_")
    own = {
        "campaigns_list_campaigns": READERS,
        "campaigns_create_campaign": ["admin", "scheduler"],
        "campaigns_get_campaign_limits": READERS,
        "campaigns_put_campaign_limits": ["admin"],
        "campaigns_get_campaign": READERS,
        "campaigns_change_campaign": ["admin", "scheduler"],
        "campaigns_set_campaign_state": ["admin", "scheduler"],
        "campaigns_get_campaign_progress": READERS,
        "campaigns_add_campaign_contacts": SENDERS,
        "campaigns_list_campaign_contacts": READERS,
        "campaigns_get_campaign_contact": READERS,
        "campaigns_withdraw_campaign_contact": SENDERS,
        "campaigns_list_contact_decisions": READERS,
    }
    assert {name: sorted(roles) for name, roles in found.items() if name in own} == own


class TestCampaign:
    async def test_a_draft_with_what_it_did_not_say_filled_in(
        self, client: httpx.AsyncClient, database: Database, scheduler: Headers
    ) -> None:
        campaign = await made(client, scheduler)
        assert (campaign["state"], campaign["version"], campaign["started_at"]) == ("draft", 1, None)
        assert campaign["channels"] == ["telephone"]
        assert campaign["retry"]["after"]["busy"]["after_minutes"] == 5
        assert (await client.get(f"{CAMPAIGNS}/{campaign['id']}", headers=scheduler)).json() == campaign
        assert await audited(database) == ["campaigns.create"]

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"caller_id": "9999"}, "caller_id"),
            ({"zone": "Mars/Olympus"}, "zone"),
            ({"ends_at": (AT - timedelta(days=2)).isoformat()}, "validity"),
            ({"channels": ["telephone", "email"]}, "texts"),
            ({"channels": ["sms"]}, "texts"),
            ({"channels": ["telephone", "telephone"]}, "channels"),
        ],
    )
    async def test_what_cannot_be_carried_out(
        self, client: httpx.AsyncClient, scheduler: Headers, changes: dict[str, Any], reason: str
    ) -> None:
        answer = await client.post(CAMPAIGNS, headers=scheduler, json=campaign_body(**changes))
        assert problem_of(answer) == (422, "invalid-campaign", {"reason": reason})
        campaign = await made(client, scheduler)
        url = f"{CAMPAIGNS}/{campaign['id']}"
        answer = await client.put(url, headers=scheduler, json=campaign_body(**changes) | {"version": 1})
        assert problem_of(answer) == (422, "invalid-campaign", {"reason": reason})
        assert (await client.get(url, headers=scheduler)).json() == campaign

    @pytest.mark.parametrize(
        "changes",
        [
            {"kind": "spam"},
            {"flow": "../etc/passwd"},
            {"caller_id": "80;00"},
            {"starts_at": "2026-01-05T00:00:00"},
            {"windows": {"week": [["12:00-09:00"]] * 7}},
            {"pacing": {"mode": "predictive"}},
            {"pacing": {"calls_per_second": 0}},
            {"retry": {"after": {"unknown": {"times": 1}}}},
            {"retry": {"after": {"completed": {"times": 1}}}},
            {"retry": {"most_attempts": 0}},
            {"texts": {"spoken": {"greeting": {}}}},
            {"texts": {"spoken": {"greeting": {"zh": "a\x00b"}}}},
            {"surprise": 1},
            {"channels": []},
        ],
    )
    async def test_what_is_no_campaign(
        self, client: httpx.AsyncClient, scheduler: Headers, changes: dict[str, Any]
    ) -> None:
        answer = await client.post(CAMPAIGNS, headers=scheduler, json=campaign_body(**changes))
        assert answer.status_code == 422, answer.text

    async def test_a_queue_that_is_not_there(self, client: httpx.AsyncClient, scheduler: Headers) -> None:
        body = campaign_body(pacing={"mode": "progressive", "queue": "nowhere"})
        assert (await client.post(CAMPAIGNS, headers=scheduler, json=body)).json()["code"] == "queue-not-found"

    async def test_a_change_names_the_version_it_is_of(
        self, client: httpx.AsyncClient, database: Database, scheduler: Headers
    ) -> None:
        campaign = await made(client, scheduler)
        url = f"{CAMPAIGNS}/{campaign['id']}"
        changed = await client.put(url, headers=scheduler, json=campaign_body(priority=5, version=1))
        assert (changed.status_code, changed.json()["version"], changed.json()["priority"]) == (200, 2, 5)
        late = await client.put(url, headers=scheduler, json=campaign_body(priority=9, version=1))
        assert problem_of(late) == (409, "campaign-changed", {"version": 2})
        assert (await client.get(url, headers=scheduler)).json()["priority"] == 5
        assert await audited(database) == ["campaigns.create", "campaigns.change"]

    async def test_texts_stay_once_it_has_begun(self, client: httpx.AsyncClient, scheduler: Headers) -> None:
        said = {"spoken": {"message": {"zh": "您好"}}}
        notice = partial(campaign_body, flow="campaign_notice")
        campaign = await made(client, scheduler, texts=said, flow="campaign_notice")
        url = f"{CAMPAIGNS}/{campaign['id']}"
        assert (await becomes(client, scheduler, campaign["id"], "running")).status_code == 200
        same = await client.put(url, headers=scheduler, json=notice(texts=said, priority=1, version=1))
        assert same.status_code == 200, same.text
        spelled_out = {"spoken": {"message": {"zh": "您好", "en": ""}}, "email": None}
        same = await client.put(url, headers=scheduler, json=notice(texts=spelled_out, version=2))
        assert same.status_code == 200, same.text
        other = {"spoken": {"message": {"zh": "再见"}}}
        refused = await client.put(url, headers=scheduler, json=notice(texts=other, version=3))
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong-campaign-state")

    async def test_texts_are_compared_by_what_they_say_not_how_they_were_kept(
        self, client: httpx.AsyncClient, database: Database, scheduler: Headers
    ) -> None:
        """A row of an earlier version lacks what was added since."""
        campaign_id = await given_campaign(database)
        async with database.transaction() as session:
            campaign = await lifecycle.get_campaign(session, campaign_id)
            campaign.texts = {}
        answer = await client.put(
            f"{CAMPAIGNS}/{campaign_id}", headers=scheduler, json=campaign_body(texts={}, priority=1, version=1)
        )
        assert answer.status_code == 200, answer.text

    async def test_the_newest_first_page_by_page(self, client: httpx.AsyncClient, scheduler: Headers) -> None:
        ids = [(await made(client, scheduler, name=f"c{number}"))["id"] for number in range(5)]
        await becomes(client, scheduler, ids[0], "running")
        found, cursor = [], None
        while True:
            params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await client.get(CAMPAIGNS, headers=scheduler, params=params)).json()
            found += [one["id"] for one in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert found == ids[::-1]
        page = (await client.get(CAMPAIGNS, headers=scheduler, params={"state": "running"})).json()
        assert [one["id"] for one in page["items"]] == ids[:1]

    @pytest.mark.parametrize("path", ["", "/progress", "/contacts", f"/contacts/{MADE_UP}"])
    async def test_there_is_none(self, client: httpx.AsyncClient, scheduler: Headers, path: str) -> None:
        assert (await client.get(f"{CAMPAIGNS}/{MADE_UP}{path}", headers=scheduler)).status_code == 404


STATES = ("draft", "running", "paused", "finished", "cancelled")
MOVES = {
    "draft": {"running", "cancelled"},
    "running": {"paused", "finished", "cancelled"},
    "paused": {"running", "finished", "cancelled"},
    "finished": set(),
    "cancelled": set(),
}


class TestStates:
    @pytest.mark.parametrize("before", STATES)
    async def test_every_move(
        self, client: httpx.AsyncClient, database: Database, scheduler: Headers, before: str
    ) -> None:
        for wanted in STATES:
            campaign = str(await given_campaign(database, CampaignState(before), texts=WORDS))
            told = len(await audited(database))
            answer = await becomes(client, scheduler, campaign, wanted)
            if wanted == before:
                assert (answer.status_code, len(await audited(database))) == (200, told)
            elif wanted in MOVES[before]:
                assert (answer.status_code, answer.json()["state"]) == (200, wanted)
                assert (answer.json()["finished_at"] is not None) == (wanted in ("finished", "cancelled"))
            else:
                problem = answer.json()
                assert (answer.status_code, problem["code"]) == (409, "wrong-campaign-state")
                assert problem["details"] == {"state": before, "wanted": wanted}

    async def test_what_is_over_is_not_changed(
        self, client: httpx.AsyncClient, database: Database, scheduler: Headers
    ) -> None:
        campaign = str(await given_campaign(database, CampaignState.CANCELLED))
        answer = await client.put(f"{CAMPAIGNS}/{campaign}", headers=scheduler, json=campaign_body(version=1))
        assert answer.json()["code"] == "campaign-over"
        assert (await send(client, scheduler, campaign, someone())).json()["code"] == "campaign-over"

    async def test_the_day_it_first_began_stays(
        self, client: httpx.AsyncClient, database: Database, scheduler: Headers
    ) -> None:
        campaign = (await made(client, scheduler))["id"]
        first = (await becomes(client, scheduler, campaign, "running")).json()["started_at"]
        await becomes(client, scheduler, campaign, "paused")
        assert (await becomes(client, scheduler, campaign, "running")).json()["started_at"] == first

    @pytest.mark.parametrize(
        ("state", "result", "reason"),
        [
            (CampaignState.CANCELLED, "withdrawn", "campaign_cancelled"),
            (CampaignState.FINISHED, "withdrawn", "campaign_finished"),
        ],
    )
    async def test_who_is_left_over_is_finished_with_it(
        self, database: Database, state: CampaignState, result: str, reason: str
    ) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, person(1))
        await add(database, campaign, person(2), ready=False)
        await set_state(database, campaign, state)
        for key in ("p1", "p2"):
            found = await contact(database, key)
            assert (found.state, found.result, found.reason, found.next_at) == ("finished", result, reason, None)
            assert (found.status, found.finished_at) == ("registered", AT)
            assert await why(database, key) == [("finished", reason)]

    async def test_many_left_over_in_batches(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lifecycle, "LEFT_OVER_AT_ONCE", 3)
        campaign_id = await given_campaign(database)
        await add(database, campaign_id, *(person(index) for index in range(1, 9)))
        await set_state(database, campaign_id, CampaignState.CANCELLED)
        rounds = []
        while True:
            async with database.transaction() as session:
                over = await queries.list_over_with_left_over(session, PBX)
                if not over:
                    break
                rounds += [await lifecycle.finish_left_over(session, campaign, AT) for campaign in over]
        assert rounds == [3, 2]
        async with database.transaction() as session:
            assert await session.scalar(select(func.count()).select_from(ContactDecision)) == 8
            finished = select(func.count()).where(CampaignContact.state == "finished")
            assert await session.scalar(finished) == 8

    @pytest.mark.parametrize("state", [CampaignState.RUNNING, CampaignState.PAUSED])
    async def test_it_is_over_when_its_time_is(self, database: Database, state: CampaignState) -> None:
        campaign_id = await given_campaign(database, state)
        await add(database, campaign_id, person())
        ends_at = AT + timedelta(days=30)

        async def looked_at(at: datetime) -> str:
            async with database.transaction() as session:
                for campaign in await queries.list_past_their_end(session, PBX, at):
                    await lifecycle.finish_if_over(session, campaign, at)
                return (await lifecycle.get_campaign(session, campaign_id)).state

        assert await looked_at(ends_at - timedelta(seconds=1)) == state
        assert await looked_at(ends_at) == "finished"
        found = await contact(database)
        assert (found.result, found.reason, found.status) == ("unreachable", "too_late", "unreachable")

    async def test_but_not_while_a_call_goes_on(self, database: Database) -> None:
        campaign_id = await given_campaign(database)
        await add(database, campaign_id, person())
        await place(database, campaign_id)
        later = AT + timedelta(days=31)
        async with database.transaction() as session:
            (campaign,) = await queries.list_past_their_end(session, PBX, later)
            await lifecycle.finish_if_over(session, campaign, later)
            assert campaign.state == "running"


class TestContacts:
    async def test_one_as_it_came(self, client: httpx.AsyncClient, database: Database, scheduler: Headers) -> None:
        campaign = (await made(client, scheduler))["id"]
        body = someone(
            name="张伟", numbers=["138 0000 0001", "+8613800000001", "0571-86000002"], variables={"when": "9"}
        )
        assert (await send(client, scheduler, campaign, body)).json() == {"added": 1, "rejected": []}
        found = await contact(database)
        assert found.numbers == ["+8613800000001", "+8657186000002"]
        assert (found.state, found.person, found.variables) == ("new", "+8613800000001", {"when": "9"})

    async def test_each_is_told_why_not(
        self, client: httpx.AsyncClient, database: Database, scheduler: Headers
    ) -> None:
        async with database.transaction() as session:
            patient, other = [await given_patient(session, name) for name in ("P1", "P2")]
            appointment = await given_appointment(session, other.id)
        campaign = (await made(client, scheduler))["id"]
        await send(client, scheduler, campaign, someone(9))
        answer = await send(
            client,
            scheduler,
            campaign,
            someone(1),
            someone(2, numbers=["not a number"]),
            someone(3, numbers=["13800000003", "12"]),
            someone(4, numbers=[]),
            someone(5, numbers=[], email="a@example.org"),
            someone(1, numbers=["13800000007"]),
            someone(6, zone="Mars/Olympus"),
            someone(7, patient_id=MADE_UP),
            someone(8, patient_id=str(patient.id), appointment_id=str(appointment.id)),
            someone(10, appointment_id=MADE_UP),
            someone(9),
            someone(11, patient_id=str(other.id), appointment_id=str(appointment.id)),
        )
        found = answer.json()
        assert [(one["index"], one["reason"]) for one in found["rejected"]] == [
            (1, "number"),
            (2, "number"),
            (3, "unreachable"),
            (4, "unreachable"),  # the campaign sends no mail
            (5, "repeated"),
            (6, "zone"),
            (7, "patient"),
            (8, "appointment"),
            (9, "appointment"),
            (10, "exists"),
        ]
        assert found["added"] == 2
        async with database.transaction() as session:
            keys = await session.scalars(select(CampaignContact.key).order_by(CampaignContact.id))
            assert list(keys) == ["p9", "p1", "p11"]

    async def test_a_repeated_key_whose_first_could_not_be_taken(
        self, client: httpx.AsyncClient, scheduler: Headers
    ) -> None:
        campaign = (await made(client, scheduler))["id"]
        answer = await send(client, scheduler, campaign, someone(1, numbers=["x"]), someone(1))
        assert answer.json() == {"added": 1, "rejected": [{"index": 0, "key": "p1", "reason": "number"}]}

    async def test_the_same_again_changes_nothing(
        self, client: httpx.AsyncClient, database: Database, scheduler: Headers
    ) -> None:
        campaign = (await made(client, scheduler))["id"]
        await send(client, scheduler, campaign, someone(name="first"))
        again = await send(client, scheduler, campaign, someone(name="second"))
        assert again.json() == {"added": 0, "rejected": [{"index": 0, "key": "p1", "reason": "exists"}]}
        assert (await contact(database)).name == "first"
        other = (await made(client, scheduler))["id"]
        assert (await send(client, scheduler, other, someone())).json()["added"] == 1

    async def test_ten_thousand_and_no_more(self, client: httpx.AsyncClient, database: Database) -> None:
        programme = await as_api_key(database, Role.INTEGRATION)
        campaign = str(await given_campaign(database, CampaignState.DRAFT))
        people = [someone(index, zone="Europe/Berlin") for index in range(contacts.MOST_AT_ONCE)]
        assert (await send(client, programme, campaign, *people)).json()["added"] == contacts.MOST_AT_ONCE
        assert (await send(client, programme, campaign, *people, someone(0))).status_code == 422

    @pytest.mark.parametrize(
        "more",
        [
            {"variables": {"Name": "x"}},
            {"variables": {"a": "x" * 201}},
            {"variables": {"a": "\x00"}},
            {"language": "fr"},
            {"numbers": ["1"] * 6},
            {"numbers": ["\x00"]},
            {"key": ""},
            {"key": "a\x00b"},
            {"name": "a\x00b"},
        ],
    )
    async def test_what_is_no_contact(
        self, client: httpx.AsyncClient, scheduler: Headers, more: dict[str, Any]
    ) -> None:
        campaign = (await made(client, scheduler))["id"]
        assert (await send(client, scheduler, campaign, someone(**more))).status_code == 422

    async def test_listed_page_by_page(self, client: httpx.AsyncClient, database: Database, scheduler: Headers) -> None:
        campaign = (await made(client, scheduler))["id"]
        await send(client, scheduler, campaign, *(someone(index) for index in range(1, 6)))
        url = f"{CAMPAIGNS}/{campaign}/contacts"
        first = (await client.get(url, headers=scheduler, params={"limit": 3})).json()
        rest = (await client.get(url, headers=scheduler, params={"limit": 3, "cursor": first["next_cursor"]})).json()
        assert [one["key"] for one in first["items"] + rest["items"]] == ["p1", "p2", "p3", "p4", "p5"]
        for params, count in (({"state": "new"}, 5), ({"state": "finished"}, 0), ({"status": "registered"}, 5)):
            assert len((await client.get(url, headers=scheduler, params=params)).json()["items"]) == count
        assert "campaigns.list_contacts" in await audited(database)

    async def test_withdrawn_and_its_whole_way(
        self, client: httpx.AsyncClient, database: Database, scheduler: Headers
    ) -> None:
        async with database.transaction() as session:
            patient = await given_patient(session)
        campaign = await given_campaign(database)
        await add(database, campaign, person(patient_id=patient.id))
        await place(database, campaign)
        contact_id = (await contact(database)).id
        url = f"{CAMPAIGNS}/{campaign}/contacts/{contact_id}"
        for _ in range(2):
            gone = await client.delete(url, headers=scheduler)
            assert (gone.status_code, gone.json()["result"]) == (200, "withdrawn")
        way = (await client.get(url, headers=scheduler)).json()
        (attempt,) = await attempts(database)
        assert [(one["id"], one["outcome"], one["number"]) for one in way["attempts_made"]] == [(attempt.id, None, 1)]
        expected = [("called", "due"), ("finished", "withdrawn")]
        assert [(one["decision"], one["reason"]) for one in way["decisions"]] == expected
        of_patient = await client.get(f"/api/v1/patients/{patient.id}/contact-decisions", headers=scheduler)
        assert [(one["decision"], one["reason"]) for one in of_patient.json()] == expected[::-1]
        assert await audited(database) == [
            *("campaigns.create", "campaigns.set_state", "campaigns.add_contacts", "campaigns.withdraw_contact"),
            *("campaigns.read_contact", "campaigns.read_decisions"),
        ]
        elsewhere = await given_campaign(database)
        assert (
            await client.get(f"{CAMPAIGNS}/{elsewhere}/contacts/{contact_id}", headers=scheduler)
        ).status_code == 404

    async def test_decisions_over_a_patient_who_is_none(self, client: httpx.AsyncClient, scheduler: Headers) -> None:
        assert (await client.get(f"/api/v1/patients/{MADE_UP}/contact-decisions", headers=scheduler)).status_code == 404


async def test_progress(client: httpx.AsyncClient, database: Database, scheduler: Headers) -> None:
    campaign = await given_campaign(database)
    url = f"{CAMPAIGNS}/{campaign}/progress"
    nothing = (await client.get(url, headers=scheduler)).json()
    assert (nothing["contacts"], nothing["reach_rate"], nothing["expected_end_at"]) == (0, None, None)
    await add(database, campaign, *(person(index) for index in range(1, 5)))
    await add(database, campaign, person(5), ready=False)
    await place(database, campaign, limit=2)
    found = (await client.get(url, headers=scheduler)).json()
    assert found["contacts"] == 5
    assert found["by_state"] == {"dialling": 2, "waiting": 2, "new": 1}
    assert found["by_status"] == {"registered": 5}
    assert (found["attempts"], found["by_outcome"], found["due"]) == (2, {"open": 2}, 2)
    async with database.transaction() as session:
        for attempt in await attempts(database):
            row = await session.merge(attempt)
            row.is_open, row.outcome, row.ended_at = False, "busy", datetime.now(UTC)
    found = (await client.get(url, headers=scheduler)).json()
    assert (found["by_outcome"], found["per_hour"]) == ({"busy": 2}, 2)
    assert found["expected_end_at"] is not None


async def test_limits(client: httpx.AsyncClient, database: Database, scheduler: Headers) -> None:
    admin = await as_role(database, Role.ADMIN)
    before = (await client.get(LIMITS, headers=scheduler)).json()
    assert (before["conversations_per_person_daily"], before["quiet_from"], before["quiet_until"]) == (1, 21, 8)
    assert (await client.put(LIMITS, headers=scheduler, json=before)).status_code == 403
    wanted = before | {"calls_per_second": 5.0}
    assert (await client.put(LIMITS, headers=admin, json=wanted)).json() == wanted
    assert (await client.get(LIMITS, headers=scheduler)).json() == wanted
    for wrong in ({"quiet_from": 5, "quiet_until": 6}, {"max_channels": 0}, {"surprise": 1}):
        assert (await client.put(LIMITS, headers=admin, json=before | wrong)).status_code == 422
    assert await audited(database) == ["campaigns.put_limits"]


WRITTEN = {"email": {"subject": {"zh": "预约"}, "text": {"zh": "您好"}}, "sms": {"zh": "您好", "template": "SMS_1"}}


class TestStart:
    """Nobody is called for nothing."""

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"flow": "no_such_flow"}, "flow"),
            ({"texts": {"spoken": {"greeting": {"zh": "您好"}}}}, "texts"),
            ({"channels": ["email"], "texts": WRITTEN}, "email"),
            ({"channels": ["sms"], "texts": WRITTEN}, "sms"),
        ],
    )
    async def test_what_cannot_be_said_is_not_started(
        self, client: httpx.AsyncClient, scheduler: Headers, changes: dict[str, Any], reason: str
    ) -> None:
        campaign = await made(client, scheduler, **changes)
        url = f"{CAMPAIGNS}/{campaign['id']}/state"
        refused = await client.put(url, headers=scheduler, json={"state": "running"})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid-campaign")
        assert refused.json()["details"]["reason"] == reason
