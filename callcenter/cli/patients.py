"""``callcenter patients ...``"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from callcenter.cli.common import database_url, open_database, out
from callcenter.core.config import get_settings
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.secrets import get_secret
from callcenter.patients.importing import ImportReport, import_patients, write_problems

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Patients from files.")


@app.callback()
def _patients() -> None:
    """Patients from files."""


@app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV or XLSX; columns: docs/patient-import.md")
    ],
    report: Annotated[
        Path | None, typer.Option(help="Where refused rows are listed; default: FILE.rejected.csv")
    ] = None,
) -> None:
    """Load patients. Bad rows go to a report, good ones are loaded; repeating it changes nothing."""
    settings = get_settings()
    with database_url(settings) as url, _bar() as bar:
        task = bar.add_task(file.name, total=None)

        async def load() -> ImportReport:
            with file.open("rb") as source:
                async with open_database(url) as database:
                    return await import_patients(
                        database,
                        source,
                        number_plan=NumberPlan(settings.country, settings.area_code),
                        check_code_key=get_secret(settings, "check_code_key"),
                        progress=lambda done, total: bar.update(task, completed=done, total=total),
                    )

        result = asyncio.run(load())
    out.print(
        f"{result.rows} rows: {result.created} created, {result.updated} updated, "
        f"{result.unchanged} unchanged, {result.rejected} rejected."
    )
    if result.problems:
        target = report or file.with_suffix(file.suffix + ".rejected.csv")
        with target.open("w", encoding="utf-8-sig", newline="") as sink:
            write_problems(result, sink)
        out.print(f"What was wrong stands in {target}.", soft_wrap=True)
        raise typer.Exit(2)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=out
    )
