"""A call flow: a YAML file read into frozen steps (architecture.md, section 6)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callcenter.ivr.errors import FlowError, FlowProblem
from callcenter.ivr.loading import Entries, Node, line_at, plain, read_yaml
from callcenter.ivr.steps import STEP_TYPES
from callcenter.ivr.steps.base import Name, Step

MAX_STEPS = 200

Edge = tuple[str, str, str]
"""Step, outcome, the step it leads to."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One file, each step valid in itself; that they fit together is said by :mod:`callcenter.ivr.checks`.

    ``content``: the file's text. ``revision``: 12 hex digits of the content of this flow and of all flows it
    goes to; ``""`` until they are known (:class:`FlowSet`).
    """

    name: str
    entry: tuple[str, ...]
    start: str
    steps: Mapping[str, Step]
    file: str
    content: str
    root: Entries = field(repr=False, compare=False)
    revision: str = ""

    def edges(self) -> Iterator[Edge]:
        for name, step in self.steps.items():
            for outcome, target in step.routes().items():
                yield name, outcome, target

    def next_flows(self) -> frozenset[str]:
        """The flows it goes to by itself."""
        return frozenset(name for step in self.steps.values() if (name := step.next_flow()) is not None)

    def line(self, *path: int | str) -> int:
        """The line in ``file`` of what lies at this path (``steps``, ``menu``, ``outcomes``, ``1``)."""
        return line_at(self.root, path)

    def line_of_route(self, step: str, outcome: str) -> int:
        """The line that says where an outcome leads."""
        return self.line("steps", step, *(("next",) if outcome == "next" else ("outcomes", outcome)))


@dataclass(frozen=True, slots=True)
class FlowSet:
    """Flows that fit together; one snapshot, used by a call from its beginning to its end."""

    flows: Mapping[str, Flow]

    def find_by_entry(self, number: str) -> Flow | None:
        """The flow of a dialled number."""
        return next((flow for flow in self.flows.values() if number in flow.entry), None)

    def closure(self, name: str) -> "FlowSet":
        """The flow and all it can go to: what a revision of it consists of."""
        return FlowSet({one: self.flows[one] for one in sorted(reached_flows(self.flows, name))})


def reached_flows(flows: Mapping[str, Flow], name: str) -> frozenset[str]:
    """The names of ``name`` and of all flows it can go to, that exist."""
    reached: set[str] = set()
    ahead = [name]
    while ahead:
        one = ahead.pop()
        if one not in reached and one in flows:
            reached.add(one)
            ahead.extend(flows[one].next_flows())
    return frozenset(reached)


class _Head(BaseModel):
    """The file's outer mapping."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    flow: Name
    entry: tuple[str, ...] = Field(default=(), max_length=50)
    start: str
    steps: dict[str, Any] = Field(min_length=1, max_length=MAX_STEPS)


_ENTRY = re.compile(r"[0-9*#+]{1,20}")
_STEP_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

_CODES = {"missing": "missing-field", "extra_forbidden": "unknown-field"}


def parse_flow(file: str, content: bytes) -> Flow:
    """The flow of one file (its name must be the flow's). Raises :class:`FlowError` with all that is wrong."""
    root = read_yaml(content, file)
    try:
        head = _Head.model_validate(plain(root))
    except ValidationError as error:
        raise FlowError(_problems(file, root, (), error)) from None
    problems = list(_head_problems(file, root, head))
    steps: dict[str, Step] = {}
    for name in head.steps:
        try:
            steps[name] = _parse_step(file, root, name)
        except FlowError as error:
            problems += error.problems
    if problems:
        raise FlowError(problems)
    return Flow(
        name=head.flow,
        entry=head.entry,
        start=head.start,
        steps=MappingProxyType(steps),
        file=file,
        content=content.decode("utf-8"),
        root=root,
    )


def _head_problems(file: str, root: Entries, head: _Head) -> Iterator[FlowProblem]:
    if PurePath(file).stem != head.flow:
        message = f"the flow {head.flow!r} must stand in {head.flow}.yaml"
        yield FlowProblem(file, line_at(root, ("flow",)), "name-mismatch", message)
    for index, number in enumerate(head.entry):
        if not _ENTRY.fullmatch(number):
            yield FlowProblem(file, line_at(root, ("entry", index)), "invalid-value", "entry: not a dialled number")


def _parse_step(file: str, root: Entries, name: str) -> Step:
    path = ("steps", name)
    line = line_at(root, path)
    if not _STEP_NAME.fullmatch(name):
        message = f"{name[:60]!r} is no step name (small letters, digits, _)"
        raise FlowError([FlowProblem(file, line, "invalid-value", message)])
    node = _below(root, path)
    if not isinstance(node, Entries):
        raise FlowError([FlowProblem(file, line, "not-a-mapping", f"step {name!r} is a mapping ({{say: ...}})")])
    named = [key for key in node.nodes if key in STEP_TYPES]
    # a message names its queue: "queue" is then a field, not the type
    kinds = [key for key in named if not any(key in STEP_TYPES[other].model_fields for other in named if other != key)]
    if not kinds:
        message = f"step {name!r} has no known type; one of: {', '.join(STEP_TYPES)}"
        raise FlowError([FlowProblem(file, line, "unknown-step-type", message)])
    if len(kinds) > 1:
        message = f"step {name!r} has several types: {', '.join(kinds)}"
        raise FlowError([FlowProblem(file, line, "several-step-types", message)])
    try:
        return STEP_TYPES[kinds[0]].model_validate(plain(node))
    except ValidationError as error:
        raise FlowError(_problems(file, root, path, error)) from None


def _problems(file: str, root: Entries, prefix: tuple[int | str, ...], error: ValidationError) -> Iterator[FlowProblem]:
    for one in error.errors(include_input=False, include_url=False):
        path = (*prefix, *one["loc"])
        where = ".".join(str(part)[:60] for part in path)
        yield FlowProblem(
            file, line_at(root, path), _CODES.get(one["type"], "invalid-value"), f"{where}: {one['msg'][:200]}"
        )


def _below(node: Node, path: tuple[str, ...]) -> Node:
    for part in path:
        assert isinstance(node, Entries)  # the head was validated  # noqa: S101
        node = node.nodes[part]
    return node
