"""The link between engine and Asterisk: reset, silent without an end, too slow; callers do not need it."""

import asyncio
import re

import pytest
from sqlalchemy import select

from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.roles import ProcessRole
from demo.hospital import PATIENTS
from demo.observer import until
from demo.stack import Service
from tests.e2e.faults.scene import callers_everywhere
from tests.e2e.hotline import Hotline, agent
from tests.support.link_proxy import LinkProxy, tcp_proxy
from tests.support.ports import free_port

NOTICED_WITHIN_SECONDS = 15.0
"""Two Pongs missed, or the connection refused; on a busy machine."""


@pytest.mark.parametrize("fault", ["is_cut", "swallows", "trickles"])
async def test_link_to_asterisk(hotline: Hotline, fault: str) -> None:
    """Agents change their states meanwhile; when the link is back Asterisk follows, and no command was sent twice."""
    await hotline.stack.start_service([ProcessRole.API, ProcessRole.IVR])
    link, port = tcp_proxy(hotline.settings.ami_host, hotline.settings.ami_port)
    async with link:
        engine = await hotline.stack.start_service(
            [ProcessRole.ENGINE], http_port=free_port(), ways={"AMI_PORT": str(port)}
        )
        scene = await callers_everywhere(hotline, talk_seconds=12, ring_seconds=8)

        getattr(link, fault)()
        await hotline.agent_available(agent("1003"))  # asked for before anybody has noticed
        await has_noticed(engine)
        await scene.asks_for_a_person(PATIENTS[10])
        await hotline.agent_pauses(agent("1003"))
        await hotline.phones.plug_in(agent("1003").seat, hotline.seat_passwords[agent("1003").seat], [])
        if fault != "trickles":  # which slows only what Asterisk says
            assert "agent-1003" not in await asyncio.to_thread(hotline.stack.pbx.cli, "queue show complaint")

        link.passes()
        await engine.ready(30)
        await scene.states_agree()
        await scene.nothing_was_lost()
        await nothing_was_sent_twice(hotline, link)


async def has_noticed(engine: Service) -> None:
    """The engine says that it has no link, instead of believing in one that is dead."""

    async def lost() -> bool:
        log = await asyncio.to_thread(engine.log_file.read_text)
        return "ami_link_lost" in log

    await until("the engine notices", lost, timeout_seconds=NOTICED_WITHIN_SECONDS)


async def nothing_was_sent_twice(hotline: Hotline, link: LinkProxy) -> None:
    """Each row was sent at most once; one whose answer never came is unknown, and stays so."""
    async with hotline.database.transaction() as session:
        rows = (await session.scalars(select(PbxCommand))).all()
    sent = re.findall(rb"Action: (?:QueueAdd|QueueRemove|QueuePause|Originate|Hangup)\r\n", bytes(link.to_server))
    tried = [row for row in rows if row.sent_at is not None and row.action != "render"]
    assert len(sent) <= len(tried)
    assert {row.state for row in rows} <= {CommandState.DONE, CommandState.UNKNOWN, CommandState.FAILED}
