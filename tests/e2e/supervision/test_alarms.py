"""A caller waits and nobody is available: seen, told by mail and webhook, acknowledged by name, over by itself."""

import httpx
import pytest

from callcenter.core.config import Settings
from callcenter.core.secrets import get_secret
from callcenter.messaging.webhooks import signature
from demo.hospital import PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.hotline import Hotline, Json, agent
from tests.support.mail_server import MailBox
from tests.support.webhook_server import WebhookServer

DUTY = "duty@hospital.example"


@pytest.fixture
def settings(settings: Settings, box: MailBox, hook: WebhookServer) -> Settings:
    """With the hospital's mail server, and a network of its own that webhooks may reach."""
    assert hook.port
    return settings.model_copy(
        update={
            "mail_host": "127.0.0.1",
            "mail_port": box.port,
            "mail_tls": "none",
            "mail_from": "hotline@hospital.example",
            "webhook_hosts": "localhost",
            "webhook_networks": "127.0.0.0/8,::1/128",
        }
    )


async def alarms(api: httpx.AsyncClient, **criteria: str) -> list[Json]:
    answer = await api.get("/api/v1/alarms", params={"kind": "unattended_callers", **criteria})
    answer.raise_for_status()
    found: list[Json] = answer.json()["items"]
    return found


async def test_nobody_is_available(hotline: Hotline, box: MailBox, hook: WebhookServer) -> None:
    service = await hotline.stack.start_service()
    api = await hotline.api(service)

    async def shipped() -> list[Json]:
        rules: list[Json] = (await api.get("/api/v1/alarm-rules")).json()["items"]
        return rules

    (rule,) = [one for one in await until("the standard rules", shipped) if one["id"] == "nobody-available"]
    body = {name: value for name, value in rule.items() if name not in {"id", "shipped", "changed_at", "changed_by"}}
    told = {"mail_to": [DUTY], "webhooks": [f"http://localhost:{hook.port}/alarms"]}
    (await api.put("/api/v1/alarm-rules/nobody-available", json=body | told)).raise_for_status()

    seat = await hotline.agent_sits_down(agent("1001"), [Wait(5), HangUp()])
    await hotline.agent_pauses(agent("1001"))
    await hotline.observer.agent_is_paused(agent("1001"))
    assert await alarms(api) == []
    caller = await hotline.ask_for_a_person(PATIENTS[0], [StayUntilHangUp(60)])
    await hotline.observer.waiting("consultation", 1)

    async def raised() -> list[Json]:
        return await alarms(api, state="open")

    (alarm,) = await until("the alarm", raised)
    assert (alarm["severity"], alarm["title_zh"], alarm["rule_id"]) == (
        "critical",
        "有来电等待，但无坐席可用",
        "nobody-available",
    )
    assert (alarm["details"]["subject"], alarm["queues"], alarm["is_for_me"]) == (
        "consultation",
        ["consultation"],
        True,
    )
    tried = (await api.post("/api/v1/alarm-rules/nobody-available/test")).json()
    assert {one["subject"] for one in tried if one["is_bad"]} == {"consultation"}
    seen = (await api.post(f"/api/v1/alarms/{alarm['id']}/acknowledge")).json()
    assert (seen["state"], seen["acknowledged_by"]) == ("acknowledged", "admin")

    await hotline.agent_available(agent("1001"))  # rung, and talks
    await caller.done(60)

    async def cleared() -> list[Json]:
        return await alarms(api, state="cleared")

    (over,) = await until("the end of the alarm", cleared)
    assert (over["id"], over["acknowledged_by"], over["occurrences"]) == (alarm["id"], "admin", 1)

    async def told_twice() -> bool:
        return len(box.mails) == 2 and len(hook.requests) == 2

    await until("both mails and both webhooks", told_twice)
    assert [mail["To"] for mail in box.mails] == [DUTY, DUTY]
    assert [str(mail["Subject"]).partition("]")[0] for mail in box.mails] == ["[告警·严重", "[告警解除·严重"]
    assert [request.json()["event"] for request in hook.requests] == ["raised", "cleared"]
    key = get_secret(hotline.settings, "webhook_key")
    for request in hook.requests:
        signed = signature(key, request.headers["x-callcenter-timestamp"], request.body)
        assert request.headers["x-callcenter-signature"] == f"v1={signed}"
    assert PATIENTS[0].number not in "".join(str(mail) for mail in box.mails)

    async def settled() -> bool:
        rows = (await api.get(f"/api/v1/alarms/{alarm['id']}/messages")).json()
        return [row["state"] for row in rows] == ["sent"] * 4

    await until("what became of each", settled)
    await seat.unplug()
