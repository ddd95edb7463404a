"""The way of a call through its flow: one loop (architecture.md, section 4).

A visit begins when the dialplan's AGI() connects and ends when the flow hands the call back: decision in channel
variables, sentinel last. Whatever goes wrong leaves the sentinel unset, and the dialplan takes the caller to a
person.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from callcenter.asterisk import variables
from callcenter.asterisk.errors import CallerHungUp
from callcenter.core.clock import Clock, now
from callcenter.core.phone_numbers import NumberPlan
from callcenter.ivr.call import CallContext, Caller
from callcenter.ivr.flow import Flow, FlowSet
from callcenter.ivr.line import Line
from callcenter.ivr.services import FlowServices
from callcenter.ivr.steps.base import Handover, ParkingStep

log = structlog.get_logger(__name__)

MACHINE_FLOW = "campaign_machine"
"""What an answering machine hears."""
STEP_LIMIT = 200
"""Finished steps in one visit; a caller who goes round longer is taken to a person."""

_LEDGER_NAMES = {"*": "star", "#": "hash"}
"""Keys that the ledger's characters leave out."""


class Revisions(Protocol):
    async def find(self, flow: str, revision: str) -> FlowSet | None:
        """The flows of a revision, if anybody knows it."""


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """A finished step: names only, never what was typed for a code."""

    flow: str
    step: str
    outcome: str

    def __str__(self) -> str:
        return f"{self.flow}/{self.step}:{self.outcome}"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a call is: the step to run next. ``flows`` is the snapshot that the call keeps."""

    flows: FlowSet
    flow: Flow
    step: str


class FlowRunner:
    """Runs one visit after the other; holds no state of any call."""

    def __init__(self, services: FlowServices, revisions: Revisions, numbers: NumberPlan, clock: Clock = now) -> None:
        self._services = services
        self._revisions = revisions
        self._numbers = numbers
        self._clock = clock

    async def run(self, line: Line, flows: FlowSet) -> tuple[TraceEntry, ...]:
        """One visit of a call; ``flows`` are today's, for a new call. The steps finished in it.

        Never raises for a caller who hangs up; raises whatever else went wrong, with the sentinel unset.
        """
        trace: list[TraceEntry] = []
        end = "failed"
        try:
            end = await self._visit(line, flows, trace)
            await line.write_way()
        except CallerHungUp:
            end = "caller_hung_up"
        finally:
            log.info("flow_visit", uniqueid=line.uniqueid, end=end, trace=[str(entry) for entry in trace])
        return tuple(trace)

    async def _visit(self, line: Line, flows: FlowSet, trace: list[TraceEntry]) -> str:
        call = CallContext(line, self._services, Caller(e164=self._numbers.normalise(line.caller_number)), self._clock)
        parked = bool(await line.get_variable(variables.STEP))
        position = await (self._find_parked(call) if parked else self._enter(call, flows))
        if position is None:
            return "fall_back"
        for _ in range(STEP_LIMIT):
            step = position.flow.steps[position.step]
            if parked and isinstance(step, ParkingStep):
                result = await step.resume(call, await line.get_variable(variables.RESULT))
            else:
                result = await step.run(call)
            parked = False
            if isinstance(result, Handover):
                await self._hand_over(call, position, result, trace)
                return result.do
            position = await self._go_on(call, position, result, trace)
        log.error("flow_step_limit", uniqueid=line.uniqueid, flow=position.flow.name, step=position.step)
        return "fall_back"

    async def _enter(self, call: CallContext, flows: FlowSet) -> Position | None:
        """A new call: the flow of the dialled number."""
        if await call.line.get_variable(variables.SERVED) == "1":
            return None  # the service was away at first and an agent has answered: nothing is left to ask
        if await call.line.get_variable(variables.ATTEMPT):
            return await self._enter_campaign(call, flows)
        did = await call.line.get_variable(variables.DID)
        flow = flows.find_by_entry(did)
        if flow is None:
            log.error("flow_of_number_missing", uniqueid=call.line.uniqueid, did=did)
            return None
        await _report_flow(call.line, flow)
        await self._announce(call, flow, did)
        return Position(flows, flow, flow.start)

    async def _enter_campaign(self, call: CallContext, flows: FlowSet) -> Position | None:
        """Somebody whom a campaign dialled has answered: the campaign's flow."""
        attempt = await call.line.get_variable(variables.ATTEMPT)
        call.out_call = await self._services.campaign_calls.find(attempt)
        is_machine = await call.line.get_variable(variables.AMD) == "machine"
        name = MACHINE_FLOW if is_machine else call.out_call.flow if call.out_call else ""
        flow = flows.flows.get(name)
        if flow is None or call.out_call is None:
            log.error("flow_of_attempt_missing", attempt=attempt)
            return None
        await _report_flow(call.line, flow)
        await call.identify(Caller(e164=call.out_call.e164, patient_id=call.out_call.patient_id))
        return Position(flows, flow, flow.start)

    async def _announce(self, call: CallContext, flow: Flow, did: str) -> None:
        """What a supervisor has all callers of the number hear first; a key is the answer to the menu that follows."""
        sounds = await self._services.announcements.of_number(did, call.line.language)
        if sounds:
            call.typed_ahead = await call.line.say_until_key(sounds)
            said = {"flow": flow.name, "step": "announcement", "outcome": "next"}
            await call.line.add_to_way(variables.EVENT_STEP, said)

    async def _find_parked(self, call: CallContext) -> Position | None:
        """A parked call comes back: its own revision, the parked step."""
        line = call.line
        flow_name = await line.get_variable(variables.FLOW)
        revision = await line.get_variable(variables.REVISION)
        step_name = await line.get_variable(variables.STEP)
        flows = await self._revisions.find(flow_name, revision)
        step = flows.flows[flow_name].steps.get(step_name) if flows is not None else None
        if flows is None or not isinstance(step, ParkingStep):
            log.error("parked_step_missing", uniqueid=line.uniqueid, flow=flow_name, revision=revision, step=step_name)
            return None
        call.caller = await self._known_caller(call)
        attempt = await line.get_variable(variables.ATTEMPT)
        call.out_call = await self._services.campaign_calls.find(attempt) if attempt else None
        if call.out_call is not None:
            call.caller = replace(call.caller, e164=call.out_call.e164)
        return Position(flows, flows.flows[flow_name], step_name)

    async def _known_caller(self, call: CallContext) -> Caller:
        """What the visit before left in the channel's variables."""
        line = call.line
        head_start = await line.get_variable(variables.HEAD_START)
        return Caller(
            e164=call.caller.e164,
            patient_id=await line.get_variable(variables.PATIENT),
            grade=await line.get_variable(variables.GRADE),
            verified=await line.get_variable(variables.VERIFIED) == "1",
            head_start_seconds=int(head_start) if head_start.isdecimal() else 0,
        )

    async def _go_on(self, call: CallContext, at: Position, outcome: str, trace: list[TraceEntry]) -> Position:
        """The step is finished: into the trace and the ledger, and on to where its outcome leads."""
        await _finish(call.line, at, outcome, trace)
        step = at.flow.steps[at.step]
        next_flow = step.next_flow()
        if next_flow is None:
            return Position(at.flows, at.flow, step.routes()[outcome])
        flow = at.flows.flows[next_flow]
        await _report_flow(call.line, flow)
        return Position(at.flows, flow, flow.start)

    async def _hand_over(self, call: CallContext, at: Position, handover: Handover, trace: list[TraceEntry]) -> None:
        """The decision, what the next visit must know, and last of all the sentinel."""
        line = call.line
        if handover.outcome is not None:
            await _finish(line, at, handover.outcome, trace)
        decision = {variables.DO: handover.do, **handover.variables}
        if handover.outcome is None:
            decision |= {
                variables.FLOW: at.flow.name,
                variables.REVISION: at.flow.revision,
                variables.STEP: at.step,
                variables.PATIENT: call.caller.patient_id,
                variables.GRADE: call.caller.grade,
                variables.VERIFIED: "1" if call.caller.verified else "",
            }
        await line.hand_over({**decision, variables.OK: "1"})


async def _report_flow(line: Line, flow: Flow) -> None:
    await line.add_to_way(variables.EVENT_FLOW, {"flow": flow.name, "rev": flow.revision, "lang": line.language})


async def _finish(line: Line, at: Position, outcome: str, trace: list[TraceEntry]) -> None:
    entry = TraceEntry(at.flow.name, at.step, _LEDGER_NAMES.get(outcome, outcome))
    trace.append(entry)
    await line.add_to_way(variables.EVENT_STEP, {"flow": entry.flow, "step": entry.step, "outcome": entry.outcome})
