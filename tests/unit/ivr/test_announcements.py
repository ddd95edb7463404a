"""An emergency announcement is heard first; a key cuts it short and goes where it always goes: 0 to a person."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from callcenter.core.db import Database
from callcenter.ivr.announcements import DatabaseAnnouncements
from callcenter.ivr.line import Sound, Spoken
from callcenter.ivr.simulation.announcements import SimulatedAnnouncements
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.run import converse
from callcenter.ivr.simulation.services import simulated_services
from tests.support.flows import flow_set

FLOW = """\
entry: ["1"]
start: greet
steps:
  greet: {say: welcome, interruptible: true, next: choice}
  choice:
    menu: choose
    attempts: 2
    timeout_seconds: 4
    outcomes: {"0": person, "1": bye, timeout: person, invalid: person}
  person: {queue: people, outcomes: {answered: bye, overflowed: bye, key: bye}}
  bye: {hangup: true}
"""
FAULT = Sound("spoken/fault", 5.0)


class Impatient(SimulatedLine):
    """Presses a key into the first thing that a key may cut short."""

    def __init__(self, key: str, script: str) -> None:
        super().__init__("1", "+8613800000001", scripted(script), lambda _text: None, None)
        self._key = key

    async def say_until_key(self, spoken: Sequence[Spoken]) -> str:
        await super().say_until_key(spoken)
        key, self._key = self._key, ""
        return key


async def transcript(line: SimulatedLine, **announced: Sequence[Sound]) -> list[str]:
    services = replace(simulated_services(), announcements=SimulatedAnnouncements(**announced))
    await converse(line, flow_set(f=FLOW), services)
    wanted = ("say", "menu", "dialplan:", "key")
    return [text for text in line.transcript if text.split()[0] in wanted]


async def test_heard_before_all_else() -> None:
    assert await transcript(Impatient("", "0 answered"), number=[FAULT]) == [
        "say sound spoken/fault",
        "say welcome",
        "menu choose",
        "key 0",
        "dialplan: queue people",
        "dialplan: answered",
        "dialplan: hang up",
    ]


async def test_zero_leads_to_a_person_at_once() -> None:
    assert await transcript(Impatient("0", "answered"), number=[FAULT]) == [
        "say sound spoken/fault",
        "dialplan: queue people",
        "dialplan: answered",
        "dialplan: hang up",
    ]


async def test_of_a_queue_it_is_heard_before_waiting() -> None:
    assert await transcript(Impatient("", "0 answered"), queue=[FAULT]) == [
        "say welcome",
        "menu choose",
        "key 0",
        "say sound spoken/fault",
        "dialplan: queue people",
        "dialplan: answered",
        "dialplan: hang up",
    ]


async def test_it_stands_in_the_calls_way() -> None:
    line = Impatient("", "0 answered")
    await transcript(line, number=[FAULT])
    assert "ledger CC_STEP flow=f:step=announcement:outcome=next" in line.transcript


@pytest.mark.parametrize("question", ["number", "queue"])
async def test_without_a_database_there_is_none(question: str) -> None:
    announcements = DatabaseAnnouncements(Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing"))
    ask = announcements.of_number if question == "number" else announcements.of_queue
    assert list(await ask("8000", "zh")) == []
