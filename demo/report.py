"""After the story: the call detail records and queue figures of exactly its calls, and whether they agree with it."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from callcenter.core.clock import now
from demo.observer import until
from demo.story import VIP_FIRST, Expected, Story

Json = dict[str, Any]
FIGURES = ("answered", "abandoned", "overflowed", "moved", "lost", "open")


@dataclass(frozen=True, slots=True)
class Records:
    """What the API says: ``calls`` by caller number, each with its whole way; figures and work orders."""

    calls: dict[str, Json]
    figures: dict[str, Json]
    complaints: dict[str, Json]
    """Work orders by call id."""


async def print_and_check(out: Console, client: httpx.AsyncClient, story: Story, username: str, password: str) -> bool:
    """Print the tables; True when story and records agree."""
    records = await fetch(client, story, username, password)
    out.print()
    out.print(_calls_table(story, records))
    out.print("Their way through the flows")
    for line in _ways(story, records):
        out.print(line, highlight=False, soft_wrap=True)
    out.print(_figures_table(records))
    differences = compare(story.expected, records)
    for difference in differences:
        out.print(f"[red]differs[/red]  {difference}", highlight=False)
    if not differences:
        out.print(f"[green]Story and records agree[/green]: {len(story.expected)} calls, each once.", highlight=False)
    return not differences


async def fetch(client: httpx.AsyncClient, story: Story, username: str, password: str) -> Records:
    """Wait until every call of the story stands finished in the records, then read all of them. As an API user."""
    login = await client.post("/api/v1/auth/login", json={"username": username, "password": password})
    login.raise_for_status()
    client.headers["Authorization"] = f"Bearer {login.json()['token']}"
    since = story.started_at.isoformat()

    async def look() -> list[Json]:
        page = await _get(client, "/api/v1/calls", started_from=since, direction="inbound", limit=500)
        calls: list[Json] = page["items"]
        finished = [call for call in calls if call["state"] == "finished"]
        return finished if len(finished) >= len(story.expected) else []

    summaries = await until("every call stands in the records", look, timeout_seconds=20)
    details = [await _get(client, f"/api/v1/calls/{call['id']}") for call in summaries]
    queues = {visit["queue_name"] for call in details for visit in call["visits"]}
    until_now = now().isoformat()
    figures = {
        name: await _get(client, f"/api/v1/queues/{name}/figures", **{"from": since, "to": until_now})
        for name in sorted(queues)
    }
    orders = (await _get(client, "/api/v1/work-orders"))["items"]
    return Records(_by_number(details), figures, {order["call_id"]: order for order in orders})


def compare(expected: list[Expected], records: Records) -> list[str]:
    """What the records say differently from the story, in words; empty when they agree."""
    differences = []
    if len(records.calls) != len(expected):
        differences.append(f"{len(expected)} people called, {len(records.calls)} callers stand in the records")
    for one in expected:
        call = records.calls.get(one.number)
        differences += [f"{one.who}: no record"] if call is None else _compare_call(one, call, records)
    differences += _compare_order(expected, records)
    differences += _compare_figures(expected, records)
    return differences


def _compare_call(one: Expected, call: Json, records: Records) -> list[str]:
    visits = tuple((visit["queue_name"], visit["outcome"]) for visit in call["visits"])
    said = [
        ("outcome", one.outcome, call["outcome"]),
        ("queue visits", one.queues, visits),
        ("recognised", one.known, call["patient_id"] is not None),
        ("verified by check code", one.verified, call["verified"]),
        ("steps", one.steps, _in_order(one.steps, [step["step"] for step in call["steps"]])),
        ("work order", one.work_order, call["id"] in records.complaints),
        ("recorded", one.work_order, any(made["purpose"] == "complaint" for made in call["recordings"])),
    ]
    differences = [
        f"{one.who}: {what} should be {wanted}, is {found}" for what, wanted, found in said if wanted != found
    ]
    if one.agents and call["agent_number"] not in one.agents:
        differences.append(f"{one.who}: served by {call['agent_number']}, not by {' or '.join(one.agents)}")
    return differences


def _in_order(wanted: tuple[str, ...], found: list[str]) -> tuple[str, ...]:
    """``wanted`` if its names occur in ``found`` in that order, else ``found``."""
    names = iter(found)
    return wanted if all(name in names for name in wanted) else tuple(found)


def _compare_order(expected: list[Expected], records: Records) -> list[str]:
    """The VIP came later and was served first."""
    numbers = {one.who: one.number for one in expected}
    vip, other = (records.calls.get(numbers.get(who, "")) for who in VIP_FIRST)
    if vip is None or other is None or not vip["visits"] or not other["visits"]:
        return []
    first, second = vip["visits"][0], other["visits"][0]
    if first["entered_at"] > second["entered_at"] and first["answered_at"] < second["answered_at"]:
        return []
    return [f"{VIP_FIRST[0]} should enter a queue after {VIP_FIRST[1]} and be answered before"]


def _compare_figures(expected: list[Expected], records: Records) -> list[str]:
    differences = []
    wanted = Counter(visit for one in expected for visit in one.queues)
    for name, figures in records.figures.items():
        if figures["offered"] != sum(figures[outcome] for outcome in FIGURES):
            differences.append(f"queue {name}: its figures do not add up")
        for outcome in FIGURES:
            if figures[outcome] != wanted[name, outcome]:
                differences.append(f"queue {name}: {outcome} should be {wanted[name, outcome]}, is {figures[outcome]}")
    return differences


def _calls_table(story: Story, records: Records) -> Table:
    table = Table(title="Call detail records of this story", title_justify="left")
    for column in ("who", "number", "outcome", "queue", "agent", "code", "order"):
        table.add_column(column, no_wrap=True)
    for column in ("wait", "talk", "total s"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in story.expected:
        call = records.calls.get(one.number)
        if call is None:
            table.add_row(one.who, one.number, "[red]missing[/red]")
            continue
        order = records.complaints.get(call["id"])
        table.add_row(
            one.who,
            call["caller_number"],
            call["outcome"],
            call["queue_name"] or "-",
            call["agent_number"] or "-",
            "right" if call["verified"] else "-",
            str(order["number"]) if order else "-",
            *(f"{call[f'{what}_seconds']:.1f}" for what in ("wait", "talk", "duration")),
        )
    return table


def _ways(story: Story, records: Records) -> list[str]:
    """Each caller's way through the flow, a line each."""
    return [
        f"  {one.who}: {' > '.join(step['step'] for step in call['steps'])}"
        for one in story.expected
        if (call := records.calls.get(one.number))
    ]


def _figures_table(records: Records) -> Table:
    table = Table(title="Queue figures of this story", title_justify="left")
    table.add_column("queue", no_wrap=True)
    for column in ("offered", *FIGURES, "level", "mean s", "longest s"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, figures in records.figures.items():
        level, average = figures["service_level"], figures["average_wait_seconds"]
        table.add_row(
            name,
            *(str(figures[key]) for key in ("offered", *FIGURES)),
            "-" if level is None else f"{level:.0%}",
            "-" if average is None else f"{average:.1f}",
            f"{figures['longest_wait_seconds']:.1f}",
        )
    return table


def _by_number(calls: list[Json]) -> dict[str, Json]:
    """By caller; a caller with two records would hide one, so the second stands under a number of its own."""
    found: dict[str, Json] = {}
    for call in calls:
        number = call["caller_number"]
        found[number if number not in found else f"{number} again ({call['id']})"] = call
    return found


async def _get(client: httpx.AsyncClient, path: str, **query: Any) -> Json:
    response = await client.get(path, params=query)
    response.raise_for_status()
    body: Json = response.json()
    return body
