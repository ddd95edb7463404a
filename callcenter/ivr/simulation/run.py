"""A whole call without a PBX: the flow's visits, with the dialplan's part between them played too."""

from collections.abc import Callable

from callcenter.asterisk import variables
from callcenter.asterisk.errors import CallerHungUp
from callcenter.calendar.policy import State
from callcenter.core.clock import Clock, now
from callcenter.core.phone_numbers import NumberPlan
from callcenter.ivr.flow import FlowSet
from callcenter.ivr.prompts import PromptLibrary
from callcenter.ivr.revisions import RevisionStore
from callcenter.ivr.runner import FlowRunner
from callcenter.ivr.services import FlowServices
from callcenter.ivr.simulation.callers import CallerKind
from callcenter.ivr.simulation.line import Ask, SimulatedLine
from callcenter.ivr.simulation.services import simulated_services


async def simulate(
    flows: FlowSet,
    number: str,
    ask: Ask,
    *,
    caller: CallerKind = "unknown",
    opening: State = "open",
    texts: PromptLibrary | None = None,
    out: Callable[[str], None] = lambda _line: None,
) -> list[str]:
    """One call to ``number`` from its first ring to its end, with the dialplan's part played too; the transcript.

    Raises InvalidInput for an answer that is no key.
    ``opening``: of every schedule. ``texts``: what the prompts say, in both languages, stands in the transcript too.
    """
    line = SimulatedLine(number, "+8613800000001", ask, out, texts)
    await converse(line, flows, simulated_services(caller, opening))
    return line.transcript


async def converse(line: SimulatedLine, flows: FlowSet, services: FlowServices, clock: Clock = now) -> None:
    """Visits of a call, one after the other, as asterisk_conf/extensions.conf.j2 makes them."""
    revisions = RevisionStore(None)
    revisions.keep(flows)
    runner = FlowRunner(services, revisions, NumberPlan(), clock)
    while True:
        line.variables[variables.OK] = ""
        await runner.run(line, flows)
        if not line.is_up:
            return
        if line.variables[variables.OK] != "1":
            line.note("dialplan: fall-back, a person")
            return
        if line.variables[variables.DO] != variables.DO_QUEUE:
            line.note("dialplan: hang up")
            return
        line.note(f"dialplan: queue {line.variables[variables.QUEUE]}")
        try:
            result = line.ask("queue")
        except CallerHungUp:
            return
        line.note(f"dialplan: {result}")
        _leave_queue(line, result)


def _leave_queue(line: SimulatedLine, result: str) -> None:
    """What the dialplan sets after Queue(): ``answered``, a status (``timeout``...), ``key``, ``key1``..."""
    line.variables[variables.VISIT] = str(int(line.variables[variables.VISIT]) + 1)
    if result == "answered":
        line.variables[variables.RESULT] = "CONTINUE"
        line.variables[variables.SERVED] = "1"
    elif result.startswith("key"):
        line.variables[variables.RESULT] = "KEY"
        line.variables[variables.KEY] = result.removeprefix("key")
    else:
        line.variables[variables.RESULT] = result.upper()
