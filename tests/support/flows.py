"""Our own flows, small ones, and what a call on a simulated telephone did."""

from pathlib import Path

from callcenter.ivr.checks import Known, compile_flows
from callcenter.ivr.errors import FlowError, FlowProblem
from callcenter.ivr.flow import FlowSet

ROOT = Path(__file__).resolve().parents[2]
FLOWS_DIR = ROOT / "ivr_flows"
PROMPTS_DIR = ROOT / "prompts"
QUEUES = frozenset({"consultation", "complaint", "vip", "expert"})

NOTHING_KNOWN = Known()


def flow_set(known: Known = NOTHING_KNOWN, /, **texts: str) -> FlowSet:
    """Flows by name; the text is everything below ``flow: <name>``."""
    return compile_flows({f"{name}.yaml": f"flow: {name}\n{text}".encode() for name, text in texts.items()}, known)


def problems_of(content: str | bytes, known: Known = NOTHING_KNOWN, file: str = "f.yaml") -> list[FlowProblem]:
    """What is wrong with one file; empty when nothing is."""
    try:
        compile_flows({file: content.encode() if isinstance(content, str) else content}, known)
    except FlowError as error:
        return list(error.problems)
    return []
