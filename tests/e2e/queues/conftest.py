"""A hotline whose numbers lead straight into queues, and what the queue scenarios say."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import replace

import pytest

from callcenter.agents import service as agents
from callcenter.asterisk import variables
from callcenter.core.config import Settings
from callcenter.queues import service as queues
from demo.hospital import HOTLINE, SampleAgent
from demo.observer import until
from tests.e2e.hotline import Hotline

NEW: dict[str, object] = {"label_zh": "队列", "label_en": "Queue", "wrap_up_seconds": 0}
"""Values of a queue that is not in the sample hospital."""

_FLOW = """\
flow: to_{number}
entry: ["{number}"]
start: waits
steps:
  waits: {{queue: {queue}, outcomes: {{answered: bye, overflowed: sorry, closed: closed, key: other, "1": one}}}}
  one: {{say: goodbye, next: bye}}
  other: {{say: goodbye, next: bye}}
  sorry: {{say: all_busy, next: bye}}
  closed: {{say: goodbye, next: bye}}
  bye: {{hangup: true}}
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The private installation of every scenario, with flows of its own."""
    templates = settings.state_dir / "asterisk_conf"
    shutil.copytree(settings.asterisk_conf_dir, templates)
    return led_straight(settings.model_copy(update={"asterisk_conf_dir": templates}), "consultation")


def led_straight(settings: Settings, queue: str) -> Settings:
    """With flows of its own, of which the only one leads the hotline's callers into ``queue``."""
    flows = settings.state_dir / "flows"
    flows.mkdir()
    changed = settings.model_copy(update={"flows_dir": flows})
    lead_to(changed, HOTLINE, queue)
    return changed


def lead_to(settings: Settings, number: str, queue: str) -> None:
    """From the next call on this number leads into ``queue``."""
    (settings.flows_dir / f"to_{number}.yaml").write_text(_FLOW.format(number=number, queue=queue))


def complain_of(settings: Settings, number: str, queue: str, agent_number: str) -> None:
    """As :func:`lead_to`, on a call that complains of this agent: by the dialplan, before the flow is asked."""
    lead_to(settings, number, queue)
    template = settings.state_dir / "asterisk_conf" / "extensions.conf.j2"
    text = template.read_text()
    mark = f"Set({variables.VISIT}=0)"
    assert mark in text
    template.write_text(text.replace(mark, f"{mark}\n same => n,Set({variables.AGAINST}={agent_number})"))


async def put_queue(hotline: Hotline, name: str, **values: object) -> None:
    """As the API does it; until Asterisk has it."""
    async with hotline.database.transaction() as session:
        await queues.put_queue(session, name, values, pbx=hotline.settings.pbx_name, cause="test")
    await commands_done(hotline)


async def put_member(hotline: Hotline, agent: SampleAgent, queue: str, penalty: int = 0) -> None:
    pbx = hotline.settings.pbx_name
    async with hotline.database.transaction() as session:
        row = await agents.get_agent(session, agent.number, lock=True)
        await queues.set_membership(session, row, queue, penalty, pbx=pbx, cause="test")
    await commands_done(hotline)


async def remove_member(hotline: Hotline, agent: SampleAgent, queue: str) -> None:
    pbx = hotline.settings.pbx_name
    async with hotline.database.transaction() as session:
        row = await agents.get_agent(session, agent.number, lock=True)
        await queues.remove_membership(session, row, queue, pbx=pbx, cause="test")
    await commands_done(hotline)


async def pause(hotline: Hotline, agent: SampleAgent) -> None:
    """Logged in at a telephone that answers, and not to be rung."""
    await hotline.agent_pauses(agent)
    await commands_done(hotline)


async def serve_only(hotline: Hotline, agent: SampleAgent, *queue_names: str) -> SampleAgent:
    """The agent serves these queues and no others."""
    for queue, _penalty in agent.queues:
        await remove_member(hotline, agent, queue)
    for queue in queue_names:
        await put_member(hotline, agent, queue)
    return replace(agent, queues=tuple((queue, 0) for queue in queue_names))


async def commands_done(hotline: Hotline) -> None:
    """Asterisk has been told all that was asked of it."""

    async def look() -> bool:
        async with hotline.database.transaction() as session:
            return not await queues.has_open_commands(session, hotline.settings.pbx_name)

    await until("Asterisk has been told", look)


async def shown(hotline: Hotline, queue: str) -> str:
    """Asterisk's own word on a queue."""
    return await asyncio.to_thread(hotline.stack.pbx.cli, f"queue show {queue}")


async def members_are(hotline: Hotline, queue: str, numbers: Sequence[str]) -> None:
    """Exactly these agents serve one of Asterisk's queues."""

    async def look() -> bool:
        text = await shown(hotline, queue)
        found = {word.removeprefix("agent-") for word in text.split() if word.startswith("agent-")}
        return found == set(numbers)

    await until(f"{queue} is served by {', '.join(numbers) or 'nobody'}", look)
