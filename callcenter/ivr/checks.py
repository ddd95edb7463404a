"""Do the flows fit together? Everything that would strand a caller is refused before a call arrives."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType

from callcenter.ivr.errors import FlowError, FlowProblem
from callcenter.ivr.flow import Flow, FlowSet, parse_flow

REVISION_DIGITS = 12

Place = tuple[str, str]
"""Flow and step."""


@dataclass(frozen=True, slots=True)
class Known:
    """What flows may name besides each other; None: not checked."""

    prompt_ids: Collection[str] | None = None
    queue_names: Collection[str] | None = None


def compile_flows(files: Mapping[str, bytes], known: Known) -> FlowSet:
    """The flows of these files (name to content). Raises :class:`FlowError` with every problem of every file."""
    flows: dict[str, Flow] = {}
    problems: list[FlowProblem] = []
    for file, content in sorted(files.items()):
        try:
            flow = parse_flow(file, content)
        except FlowError as error:
            problems += error.problems
        else:
            flows[flow.name] = flow
    broken = {problem.file for problem in problems}
    problems += _entry_problems(flows)
    for flow in flows.values():
        problems += _step_problems(flow, known)
        problems += _reference_problems(flow, flows, broken)
    if not problems:
        problems += _loop_problems(flows)
    if problems:
        raise FlowError(problems)
    return FlowSet(
        MappingProxyType({name: replace(flow, revision=_revision(flows, name)) for name, flow in flows.items()})
    )


def bundle(flows: FlowSet, name: str) -> str:
    """The content of a flow and of all it goes to, as canonical JSON: what a revision is and is kept as."""
    return json.dumps({one.file: one.content for one in flows.closure(name).flows.values()}, sort_keys=True)


def unbundle(content: str) -> FlowSet:
    """The flows of a stored revision; prompts and queues may have gone since and are not checked.

    Raises FlowError when this version of the service no longer understands them.
    """
    return compile_flows({file: text.encode() for file, text in json.loads(content).items()}, Known())


def _revision(flows: Mapping[str, Flow], name: str) -> str:
    return hashlib.sha256(bundle(FlowSet(flows), name).encode()).hexdigest()[:REVISION_DIGITS]


def _entry_problems(flows: Mapping[str, Flow]) -> Iterator[FlowProblem]:
    taken: dict[str, Flow] = {}
    for flow in flows.values():
        for index, number in enumerate(flow.entry):
            if number in taken:
                message = f"the number {number} already leads to the flow {taken[number].name!r}"
                yield FlowProblem(flow.file, flow.line("entry", index), "entry-taken", message)
            taken.setdefault(number, flow)


def _step_problems(flow: Flow, known: Known) -> Iterator[FlowProblem]:
    """Within one flow: start, routes, reach, prompts, queues."""
    if flow.start not in flow.steps:
        yield FlowProblem(flow.file, flow.line("start"), "unknown-target", f"there is no step {flow.start!r}")
    for name, step in flow.steps.items():
        line = flow.line("steps", name)
        routes = step.routes()
        for outcome in sorted(step.required_outcomes - routes.keys()):
            yield FlowProblem(
                flow.file, line, "unrouted-outcome", f"step {name!r} does not say where {outcome!r} leads"
            )
        for outcome, target in routes.items():
            where = flow.line_of_route(name, outcome)
            if not step.allows(outcome):
                message = f"step {name!r} ({step.kind}) never ends with {outcome[:40]!r}"
                yield FlowProblem(flow.file, where, "unknown-outcome", message)
            if target not in flow.steps:
                yield FlowProblem(flow.file, where, "unknown-target", f"there is no step {target!r}")
        if known.prompt_ids is not None:
            for prompt_id in step.prompt_ids():
                if prompt_id not in known.prompt_ids:
                    yield FlowProblem(flow.file, line, "unknown-prompt", f"there is no prompt {prompt_id!r}")
        queue = step.queue_name()
        if queue is not None and known.queue_names is not None and queue not in known.queue_names:
            yield FlowProblem(flow.file, line, "unknown-queue", f"there is no queue {queue!r}")
    if flow.start in flow.steps:
        for name in sorted(flow.steps.keys() - _reached(flow)):
            line = flow.line("steps", name)
            yield FlowProblem(flow.file, line, "unreachable-step", f"no way leads to the step {name!r}")


def _reached(flow: Flow) -> set[str]:
    reached: set[str] = set()
    ahead = [flow.start]
    while ahead:
        name = ahead.pop()
        if name not in reached and name in flow.steps:
            reached.add(name)
            ahead.extend(flow.steps[name].routes().values())
    return reached


def _reference_problems(flow: Flow, flows: Mapping[str, Flow], broken: Collection[str]) -> Iterator[FlowProblem]:
    for name, step in flow.steps.items():
        target = step.next_flow()
        if target is not None and target not in flows and f"{target}.yaml" not in broken:
            line = flow.line("steps", name)
            yield FlowProblem(flow.file, line, "unknown-flow", f"there is no flow {target!r}")


def _loop_problems(flows: Mapping[str, Flow]) -> Iterator[FlowProblem]:
    """A cycle that a silent caller would go round for ever, also across flows; one a set of flows is enough."""
    sorter: TopologicalSorter[Place] = TopologicalSorter()
    for flow in flows.values():
        for name, step in flow.steps.items():
            for outcome, target in step.routes().items():
                if not step.is_caller_action(outcome):
                    sorter.add((flow.name, name), (flow.name, target))
            next_flow = step.next_flow()
            if next_flow is not None:
                sorter.add((flow.name, name), (next_flow, flows[next_flow].start))
    try:
        sorter.prepare()
    except CycleError as error:
        yield _loop_problem(flows, error.args[1])


def _loop_problem(flows: Mapping[str, Flow], cycle: list[Place]) -> FlowProblem:
    """Named at its first line. ``cycle``: graphlib's, each place leading to the one before, the first twice."""
    forward = cycle[:0:-1]
    where = {place: (flows[place[0]].file, flows[place[0]].line("steps", place[1])) for place in forward}
    first = forward.index(min(forward, key=where.__getitem__))
    places = [*forward[first:], *forward[: first + 1]]
    home = places[0][0]
    way = " > ".join(step if flow == home else f"{flow}/{step}" for flow, step in places)
    file, line = where[places[0]]
    return FlowProblem(file, line, "silent-loop", f"a caller who does nothing goes round for ever: {way}")
