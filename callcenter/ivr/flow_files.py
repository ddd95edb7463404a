"""A folder of flows, read as a whole: ``callcenter flow check | show``."""

from collections.abc import Collection
from pathlib import Path

from callcenter.ivr.catalogue import read_flow_files
from callcenter.ivr.checks import Known, compile_flows
from callcenter.ivr.errors import FlowError, FlowProblem
from callcenter.ivr.flow import Flow, FlowSet
from callcenter.ivr.prompts import load_prompts


def load(flows_dir: Path, prompts_dir: Path, queue_names: Collection[str] | None = None) -> FlowSet:
    """The flows of a folder, all or nothing. Raises FlowError, InvalidPrompts."""
    files, problems = read_flow_files(flows_dir)
    if problems:
        raise FlowError(problems)
    prompts = load_prompts(prompts_dir)
    return compile_flows(files, Known(prompts.prompts.keys(), queue_names))


def check(flows_dir: Path, prompts_dir: Path, queue_names: Collection[str] | None = None) -> list[FlowProblem]:
    """What is wrong with the flows of a folder, by file and line. Raises InvalidPrompts."""
    try:
        load(flows_dir, prompts_dir, queue_names)
    except FlowError as error:
        return list(error.problems)
    return []


def show(flow: Flow) -> str:
    """The flow as a list: each step, what it is, and where each outcome leads."""
    lines = [f"{flow.name}  revision {flow.revision}  numbers {', '.join(flow.entry) or '-'}  start {flow.start}"]
    for name, step in flow.steps.items():
        about = ", ".join(filter(None, (*step.prompt_ids()[:1], step.queue_name(), step.next_flow())))
        lines.append(f"  {name}: {step.kind} {about}".rstrip())
        lines += [f"    {outcome:>10} > {target}" for outcome, target in step.routes().items()]
    return "\n".join(lines)


def mermaid(flow: Flow) -> str:
    """The flow as a Mermaid flow chart."""
    lines = ["flowchart TD"]
    lines += [f'  {name}["{name}<br/>{step.kind}"]' for name, step in flow.steps.items()]
    lines += [f'  {step} -->|"{outcome.replace("#", "hash")}"| {target}' for step, outcome, target in flow.edges()]
    lines += [
        f"  {name} --> flow_{target}([{target}])"
        for name, step in flow.steps.items()
        if (target := step.next_flow()) is not None
    ]
    return "\n".join(lines)
