"""What every step type is: a frozen model of its YAML, its outcomes, and what it does with a call."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from callcenter.ivr.call import CallContext

NEXT = "next"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""Of a flow, step, prompt: plain enough for a channel variable and the ledger."""
QueueName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


def _whole(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"0|[1-9][0-9]{0,8}", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("a whole number is expected (digits only, no leading zero)")


def _true(value: Any) -> Any:
    if value in ("true", True):
        return True
    raise ValueError("write true")


Whole = Annotated[int, BeforeValidator(_whole)]
"""A number as YAML's author wrote it: ``010``, ``1_000`` and ``1:30`` are refused, not reinterpreted."""
Yes = Annotated[Literal[True], BeforeValidator(_true)]


@dataclass(frozen=True, slots=True)
class Handover:
    """The step ends this visit: the dialplan does ``do`` with these channel variables.

    ``outcome``: the step is finished with it (hang-up); None: parked, the dialplan comes back with a result.
    """

    do: str
    variables: Mapping[str, str]
    outcome: str | None = None


class Step(BaseModel, ABC):
    """One element of a flow. The field named as ``kind`` is what tells the type in YAML."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: ClassVar[str]
    required_outcomes: ClassVar[frozenset[str]] = frozenset()
    """Each must lead somewhere."""
    caller_actions: ClassVar[frozenset[str]] = frozenset()
    """Outcomes that cannot come about unless the caller does something: only they may close a loop."""

    @abstractmethod
    async def run(self, call: CallContext) -> str | Handover:
        """Do it; the outcome's name, or what the dialplan must do. Raises CallerHungUp."""

    def routes(self) -> Mapping[str, str]:
        """Outcome to the step it leads to."""
        return {}

    def allows(self, outcome: str) -> bool:
        """Whether the step can end so."""
        return outcome in self.required_outcomes

    def is_caller_action(self, outcome: str) -> bool:
        return outcome in self.caller_actions

    def prompt_ids(self) -> tuple[str, ...]:
        """Every prompt it may play."""
        return ()

    def queue_name(self) -> str | None:
        """The queue it leads to, if any."""
        return None

    def next_flow(self) -> str | None:
        """The flow that goes on after it, if any."""
        return None


class OneWayStep(Step):
    """A step that always goes on to ``next``."""

    required_outcomes = frozenset({NEXT})

    next: Name

    def routes(self) -> Mapping[str, str]:
        return {NEXT: self.next}


class BranchingStep(Step):
    """A step that goes on as its outcome says."""

    outcomes: Mapping[str, Name] = Field(min_length=1)

    def routes(self) -> Mapping[str, str]:
        return self.outcomes


class ParkingStep(BranchingStep, ABC):
    """A step that hands the call to the dialplan, which comes back with a result."""

    @abstractmethod
    async def resume(self, call: CallContext, result: str) -> str | Handover:
        """A parked call is back with the dialplan's ``result`` (variables.RESULT): the outcome, or parked again."""
