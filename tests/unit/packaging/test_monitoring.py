"""Alert rules and dashboard: what Prometheus's own checker says, and whether what they ask for exists."""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import callcenter.app
import callcenter.engine
import callcenter.ivr.server  # noqa: F401 - with these two, every module that has figures
from callcenter.alarms.titles import KIND_TITLES
from callcenter.core.db import Database
from callcenter.core.metrics import HttpMetrics
from callcenter.supervision.alarm_measures import MEASURES
from tests.unit.packaging.checkers import DEPLOY, check

MONITORING = DEPLOY / "monitoring"
OPERATIONS = DEPLOY.parent / "docs" / "operations.md"
_METRIC = re.compile(r"\b(?:callcenter|process|python)_[a-z_]+\b")
_LABELS = re.compile(r"\{[^}]*\}|\b(?:by|on|without|ignoring)\s*\([^)]*\)")


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((MONITORING / "alerts.yaml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    return found


def expressions() -> list[str]:
    return [rule["expr"] for rule in rules()] + [t["expr"] for panel in panels() for t in panel["targets"]]


@pytest.fixture(scope="module")
def exported() -> set[str]:
    """Names that a process with all roles shows at /metrics, with or without values."""
    lines = HttpMetrics(Database("postgresql+asyncpg://nobody@/nothing")).render().decode().splitlines()
    names = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    histograms = {line.split()[2] for line in lines if line.startswith("# TYPE") and line.endswith("histogram")}
    return names | {f"{name}_bucket" for name in histograms}


def test_rules_hold() -> None:
    check("promtool", "check", "rules", MONITORING / "alerts.yaml")
    check("promtool", "test", "rules", MONITORING / "alerts_test.yaml")
    check("promtool", "check", "config", MONITORING / "prometheus.yaml")


def test_every_question_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    asked = [{"record": f"a:b{number}", "expr": one} for number, one in enumerate(expressions())]
    file = tmp_path / "asked.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": asked}]}))
    assert f"{len(asked)} rules found" in check("promtool", "check", "rules", file)


def test_every_metric_that_is_asked_for_exists(exported: set[str]) -> None:
    asked = {name for one in expressions() for name in _METRIC.findall(_LABELS.sub("", one))}
    assert asked - exported == set()
    assert len(asked) > 12


def test_every_metric_of_ours_is_explained(exported: set[str]) -> None:
    text = OPERATIONS.read_text()
    ours = {name for name in exported if name.startswith("callcenter_") and not name.endswith(("_bucket", "_created"))}
    assert {name for name in ours if f"`{name}`" not in text} == set()


def test_alerts_say_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"].endswith(".")


def test_panels_do_not_overlap() -> None:
    places = [panel["gridPos"] for panel in panels()]
    cells = [(p["x"] + dx, p["y"] + dy) for p in places for dx in range(p["w"]) for dy in range(p["h"])]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_every_alarm_that_may_be_raised_is_explained() -> None:
    """The table of docs/operations.md against the calls of raise_alarm."""
    raised = set(_raised_kinds())
    told = set(re.findall(r"`(\w+)`", "".join(_first_cells(OPERATIONS.read_text(), "## Alarms"))))
    assert {"node_lost", "code_budget_used_up", "emergency"} <= raised
    assert raised == told


def test_every_alarm_that_may_be_raised_has_words_for_people() -> None:
    assert set(_raised_kinds()) == KIND_TITLES.keys()
    assert all(zh and en for zh, en in KIND_TITLES.values())


def test_every_measure_is_explained() -> None:
    """The table of docs/operations.md against the measures that alarm rules know."""
    told = set(re.findall(r"`(\w+)`", "".join(_first_cells(OPERATIONS.read_text(), "## Alarm rules"))))
    assert told == set(MEASURES)


def _raised_kinds() -> Iterator[str]:
    """A kind stands in the call itself, or in a constant that its module knows."""
    root = DEPLOY.parent
    for path in (root / "callcenter").rglob("*.py"):
        for argument in re.findall(r"\braise_alarm\(\s*\w+,\s*([\w.\"]+)", path.read_text()):
            if path.name == "alarms.py" and argument == "kind":
                continue  # the definition itself
            if argument == "rule.measure":
                continue  # the table of measures: test_every_measure_is_explained
            if argument.startswith('"'):
                yield argument.strip('"')
                continue
            value: Any = importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))
            for name in argument.split("."):
                value = getattr(value, name)
            yield value


def _first_cells(text: str, heading: str) -> list[str]:
    section = text.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    return [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
