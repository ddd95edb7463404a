"""``callcenter flow ...``"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from callcenter.calendar.policy import State
from callcenter.cli.common import out
from callcenter.core.config import get_settings
from callcenter.core.errors import SetupError
from callcenter.ivr import flow_files
from callcenter.ivr.prompts import load_prompts
from callcenter.ivr.simulation import run as simulation
from callcenter.ivr.simulation.callers import CallerKind
from callcenter.ivr.simulation.line import scripted

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Call flows, without a PBX or database.")

FlowsDir = Annotated[Path | None, typer.Argument(file_okay=False, help="Folder of flows; default: ivr_flows/")]


@app.command()
def check(directory: FlowsDir = None) -> None:
    """Every fault of the flows, each with file and line; exit status 1 if there is one."""
    settings = get_settings()
    problems = flow_files.check(directory or settings.flows_dir, settings.prompts_dir)
    for problem in problems:
        out.print(str(problem), highlight=False, markup=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)
    out.print("All flows are good.")


@app.command()
def show(
    name: Annotated[str | None, typer.Argument(help="One flow; default: all.")] = None,
    mermaid: Annotated[bool, typer.Option(help="As a Mermaid flow chart.")] = False,
) -> None:
    """The steps of a flow, and where each outcome leads."""
    settings = get_settings()
    flows = flow_files.load(settings.flows_dir, settings.prompts_dir)
    chosen = [flow for flow in flows.flows.values() if name in (None, flow.name)]
    if not chosen:
        raise SetupError(f"There is no flow {name}: there are {', '.join(sorted(flows.flows))}.")
    for flow in chosen:
        text = flow_files.mermaid(flow) if mermaid else flow_files.show(flow)
        out.print(text, highlight=False, markup=False)


@app.command()
def simulate(
    number: Annotated[str, typer.Argument(help="The number that is dialled.")] = "8000",
    caller: Annotated[CallerKind, typer.Option(help="Who calls.")] = "unknown",
    opening: Annotated[State, typer.Option(help="What every schedule says.")] = "open",
    keys: Annotated[
        str | None, typer.Option(help="Answers in a row, e.g. '1 3 0 answered'; default: asked for.")
    ] = None,
) -> None:
    """Walk through a flow at the terminal: prompts are shown, keys are typed. An empty answer is silence."""
    settings = get_settings()
    flows = flow_files.load(settings.flows_dir, settings.prompts_dir)
    ask = scripted(keys) if keys is not None else _ask
    texts = load_prompts(settings.prompts_dir)

    def show_line(line: str) -> None:
        out.print(line, highlight=False, markup=False)

    asyncio.run(simulation.simulate(flows, number, ask, caller=caller, opening=opening, texts=texts, out=show_line))


def _ask(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False))
