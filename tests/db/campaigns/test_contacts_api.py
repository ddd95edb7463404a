"""Contacts of a campaign over HTTP: sent, refused with a reason, listed, withdrawn; the whole way of one."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.campaigns import contacts
from callcenter.campaigns.models import CampaignContact, CampaignState
from callcenter.core.db import Database
from tests.support.api import as_api_key
from tests.support.campaigns import (
    add,
    attempts,
    contact,
    given_appointment,
    given_campaign,
    given_patient,
    person,
    place,
)
from tests.support.campaigns_api import CAMPAIGNS, MADE_UP, Headers, audited, made, send, someone


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
