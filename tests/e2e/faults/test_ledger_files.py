"""Asterisk's own files renamed, cut, spoilt, and on a full disk, while callers call: nothing counted twice."""

import asyncio
import os
import resource
import signal
from pathlib import Path

from sqlalchemy import select

from callcenter.asterisk.local_pbx import LocalPbx
from callcenter.calls.cross_check import CUT, GONE_SECONDS, LOOK_SECONDS, SILENT
from callcenter.calls.models import LedgerQuarantine
from callcenter.roles import ProcessRole
from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, StayUntilHangUp, Wait
from tests.e2e.faults.scene import Scene, callers_everywhere
from tests.e2e.hotline import Hotline, agent

JUDGED_SECONDS = 2 * LOOK_SECONDS
"""A call this long is seen live, and looked for in the ledger, whatever moment it began."""


async def test_renamed(hotline: Hotline) -> None:
    """As logrotate does it, faster than it ever would, and the queue log with it."""
    await hotline.stack.start_service()
    scene = await callers_everywhere(hotline)
    for round_number in range(6):
        shift(hotline.settings.ledger_file)
        if round_number % 3 == 0:
            shift(hotline.settings.queue_log_file)
            await asyncio.to_thread(hotline.stack.pbx.cli, "logger reload")
        await hotline.observer.pause(0.7)
    await scene.asks_for_a_person(PATIENTS[4])
    await scene.nothing_was_lost()
    assert await alarm_kinds(scene) == set()


async def test_truncated(hotline: Hotline) -> None:
    """As copytruncate does it: while lines are read, and while nobody reads."""
    await hotline.stack.start_service([ProcessRole.API, ProcessRole.IVR])
    engine = await hotline.stack.start_service([ProcessRole.ENGINE], http_port=hotline.settings.trunk_port)
    scene = await callers_everywhere(hotline)
    ledger = hotline.settings.ledger_file
    ledger.with_name(f"{ledger.name}.1").write_bytes(ledger.read_bytes())
    os.truncate(ledger, 0)
    os.truncate(hotline.settings.queue_log_file, 0)
    await scene.asks_for_a_person(PATIENTS[4])
    await scene.nothing_was_lost()

    hanging_up = await hotline.call(PATIENTS[10], HOTLINE, [Wait(6), HangUp()])
    await until("the call is read", lambda: has_calls(hotline, 6))
    engine.signal(signal.SIGSTOP)
    await hanging_up.done()
    await hotline.no_calls_left()
    os.truncate(ledger, 0)
    engine.signal(signal.SIGCONT)
    await scene.asks_for_a_person(PATIENTS[11])
    await scene.everybody_is_served()
    scene.callers[PATIENTS[10].e164] = hanging_up
    await scene.records_are_whole(served=False)
    assert await alarm_kinds(scene) == {"ledger_gap", CUT}
    assert (await scene.call_of(PATIENTS[10])).state == "node_lost"  # its end was in no line that anybody read
    for patient in (*PATIENTS[:5], PATIENTS[11]):
        assert (await scene.call_of(patient)).outcome == "answered"


async def test_full_disk(hotline: Hotline) -> None:
    """No file of Asterisk's may grow past where the ledger is now: it writes half a line, then nothing, in silence."""
    await hotline.stack.start_service()
    scene = Scene(hotline)
    for number in ("1001", "1002"):
        await hotline.agent_sits_down(agent(number), [Wait(JUDGED_SECONDS), HangUp()])
    await scene.asks_for_a_person(PATIENTS[0])
    await hotline.observer.talking(1)
    disk = Disk(hotline.stack.pbx)
    disk.fill(hotline.settings.ledger_file.stat().st_size + 150)
    try:
        unwritten = await hotline.ask_for_a_person(PATIENTS[2], [StayUntilHangUp(240)])
        await unwritten.done(120)  # the service goes on
        await until("the alarm", lambda: scene.alarms(SILENT))
    finally:
        disk.free()
    await scene.asks_for_a_person(PATIENTS[1])
    await scene.everybody_is_served()
    await hotline.no_calls_left()
    await scene.figures_add_up()
    await scene.states_agree()
    assert {"ledger_bad_line", SILENT} <= await alarm_kinds(scene)

    async def closed() -> bool:
        return all(call.state != "open" for call in await hotline.calls())

    await until("no call is open for ever", closed, timeout_seconds=GONE_SECONDS + 30)
    numbers = [call.caller_number for call in await hotline.calls()]
    assert all(numbers.count(number) == 1 for number in scene.callers), numbers
    assert PATIENTS[2].e164 not in numbers
    assert (await scene.call_of(PATIENTS[1])).outcome == "answered"
    await scene.figures_add_up()


async def test_bad_lines(hotline: Hotline) -> None:
    """Between the lines of callers: what is no line of Asterisk's is set aside, each once, and raises an alarm."""
    await hotline.stack.start_service()
    scene = await callers_everywhere(hotline)
    true_line = hotline.settings.ledger_file.read_bytes().split(b"\n", 1)[0]
    channel_events = {
        b"garbage \xff\xfe\x80": "not_json",
        true_line[: len(true_line) // 2]: "not_json",
        true_line.replace(b'"CHAN_START"', b'"CHAN\x00START"', 1): "nul",
        true_line[:-1] + b',"linkedid":"pbx1-1.1"}': "field_twice",
        b'{"eventtype":"HANGUP","uniqueid":"pbx1-1.1"}': "missing_field",
        b"x" * 1_000_000: "too_long",
    }
    queue_log = {b"no|line": "missing_field", b"1|\xff|q|a|CONNECT": "not_utf8", b"soon|1|q|a|CONNECT|1": "bad_time"}
    append(hotline.settings.ledger_file, channel_events)
    append(hotline.settings.queue_log_file, queue_log)
    await scene.asks_for_a_person(PATIENTS[4])
    await scene.nothing_was_lost()
    async with hotline.database.transaction() as session:
        reasons = sorted(await session.scalars(select(LedgerQuarantine.reason)))
    assert reasons == sorted([*channel_events.values(), *queue_log.values()])
    assert await alarm_kinds(scene) == {"ledger_bad_line"}


def shift(path: Path) -> None:
    """``x.2`` becomes ``x.3``, ``x.1`` becomes ``x.2``, ``x`` becomes ``x.1``."""
    numbers = sorted((int(found.suffix[1:]) for found in path.parent.glob(f"{path.name}.*")), reverse=True)
    for number in numbers:
        path.with_name(f"{path.name}.{number}").rename(path.with_name(f"{path.name}.{number + 1}"))
    if path.exists():
        path.rename(path.with_name(f"{path.name}.1"))


def append(path: Path, lines: dict[bytes, str]) -> None:
    """Each whole, so that none of Asterisk's gets into it."""
    for line in lines:
        with path.open("ab", buffering=0) as file:
            file.write(line + b"\n")


class Disk:
    """A full disk's stand-in: the kernel refuses every byte that Asterisk writes beyond a size, in any file.

    Asterisk is told by a failed write, as on a full disk (another number: EFBIG). A file system of a test's own
    would leave a mount behind when the test is killed.
    """

    def __init__(self, pbx: LocalPbx) -> None:
        pid = pbx.status().pid
        assert pid is not None
        self._pid = pid
        self._before = resource.prlimit(pid, resource.RLIMIT_FSIZE)

    def fill(self, size: int) -> None:
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (size, self._before[1]))

    def free(self) -> None:
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, self._before)


async def alarm_kinds(scene: Scene) -> set[str]:
    """Of the alarms that tell of the ledger."""
    kinds = ("ledger_gap", "ledger_bad_line", "ledger_handler_failed", "call_not_derived", "node_lost", SILENT, CUT)
    return {kind for kind in kinds if await scene.alarms(kind)}


async def has_calls(hotline: Hotline, count: int) -> bool:
    return len(await hotline.calls()) >= count
