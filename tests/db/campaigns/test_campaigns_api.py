"""Campaigns over HTTP: made, changed, started, stopped; how far they are."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from callcenter.accounts.models import Role
from callcenter.campaigns import lifecycle, queries
from callcenter.campaigns.models import CampaignContact, CampaignState, ContactDecision
from callcenter.core.db import Database
from tests.support.api import as_role, declared_roles
from tests.support.campaigns import (
    AT,
    WORDS,
    add,
    attempts,
    campaign_body,
    contact,
    given_campaign,
    person,
    place,
    set_state,
    why,
)
from tests.support.campaigns_api import CAMPAIGNS, LIMITS, MADE_UP, Headers, audited, becomes, made, send, someone
from tests.support.people import PBX

READERS = ["admin", "quality", "scheduler", "supervisor"]
SENDERS = ["admin", "integration", "scheduler"]


def problem_of(answer: httpx.Response) -> tuple[int, str, dict[str, Any]]:
    problem = answer.json()
    return answer.status_code, problem["code"], problem["details"]


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

    @pytest.mark.parametrize("target", ["https://elsewhere.example/", "http://169.254.169.254/", "file:///etc/passwd"])
    async def test_nobody_is_told_whom_no_one_has_allowed(
        self, client: httpx.AsyncClient, scheduler: Headers, target: str
    ) -> None:
        answer = await client.post(CAMPAIGNS, headers=scheduler, json=campaign_body(report_to=target))
        assert (answer.status_code, answer.json()["code"]) == (422, "webhook-not-allowed")
        campaign = await made(client, scheduler)
        url = f"{CAMPAIGNS}/{campaign['id']}"
        answer = await client.put(url, headers=scheduler, json=campaign_body(report_to=target) | {"version": 1})
        assert (answer.status_code, answer.json()["code"]) == (422, "webhook-not-allowed")
        assert (await client.get(url, headers=scheduler)).json() == campaign

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
