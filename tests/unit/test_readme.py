"""The documents say what the code is: settings, commands, links, and the functions that they name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from callcenter.cli import app
from callcenter.core.config import Settings
from callcenter.core.secrets import NAMES

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCUMENTS = sorted([README, ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
CODE_FOLDERS = ("asterisk_conf", "callcenter", "demo", "ivr_flows", "migrations", "prompts", "scripts", "soak", "tests")
CODE_SUFFIXES = frozenset({".j2", ".py", ".sh", ".yaml"})

_TABLE_ROW = re.compile(r"^\| `(?P<name>CALLCENTER_[A-Z_]+|[a-z_]+)` \| (?P<default>[^|]*) \| (?P<meaning>[^|]+) \|$")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_NAME_IN_CODE = re.compile(r"`(?P<name>[A-Za-z_.][A-Za-z0-9_./-]*)`")


def table_under(heading: str) -> dict[str, tuple[str, str]]:
    """First column -> (second, third) of the table rows below a heading of the README."""
    section = re.split(r"\n#+ ", README.read_text().split(f"\n{heading}\n", 1)[1])[0]
    rows = (_TABLE_ROW.match(line) for line in section.splitlines())
    return {row["name"]: (row["default"].strip(), row["meaning"].strip()) for row in rows if row}


def shown(default: Any) -> str:
    """A default as the table writes it."""
    if default is None or default == "":
        return "–"
    if isinstance(default, Path) and default.is_relative_to(ROOT):
        return f"`{default.relative_to(ROOT)}/` of the repository"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_table_holds_every_setting_with_its_default() -> None:
    table = table_under("### Settings")
    expected = {f"CALLCENTER_{name.upper()}": shown(field.default) for name, field in Settings.model_fields.items()}
    assert {name: default for name, (default, _) in table.items()} == expected


def test_table_holds_every_secret() -> None:
    assert set(table_under("### Secrets")) == NAMES


def test_overview_holds_every_command() -> None:
    section = README.read_text().split("\n## Commands\n", 1)[1].split("\n## ", 1)[0]
    documented = re.findall(r"^callcenter(?: [a-z][a-z-]*)+", section, re.MULTILINE)
    assert sorted(documented) == sorted(commands(typer.main.get_command(app), "callcenter"))


def commands(command: Any, path: str) -> Iterator[str]:
    """Every command that does something, with the words that lead to it."""
    if not isinstance(command, TyperGroup):
        yield path
        return
    ctx = typer.Context(command)
    for name in command.list_commands(ctx):
        yield from commands(command.get_command(ctx, name), f"{path} {name}")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_resolve(document: Path) -> None:
    assert list(broken_links(document)) == []


def broken_links(document: Path) -> Iterator[str]:
    for text, target in links(document.read_text()):
        if "://" in target:
            yield f"{target}: an address outside the repository"
            continue
        relative, _, anchor = target.partition("#")
        path = (document.parent / relative).resolve() if relative else document
        if not path.is_relative_to(ROOT) or not path.exists():
            yield f"{target}: no such file"
        elif anchor and path.suffix == ".md" and anchor not in anchors(path.read_text()):
            yield f"{target}: no such heading"
        elif path.is_file() and path.suffix != ".md" and (named := _NAME_IN_CODE.fullmatch(text)):
            name = named["name"]
            if not names(path, name):
                yield f"{target}: does not hold {name}"


def links(markdown: str) -> list[tuple[str, str]]:
    return [(link["text"], link["target"]) for link in _LINK.finditer(_FENCE.sub("", markdown))]


def anchors(markdown: str) -> set[str]:
    """The headings' anchors, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+?) *$", _FENCE.sub("", markdown), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def names(path: Path, name: str) -> bool:
    """Whether a file is called so, or defines it (Python: functions, classes, methods, constants, fields)."""
    if str(path).endswith(f"/{name}"):
        return True
    if path.suffix != ".py":
        return name in path.read_text()
    return name in set(definitions(ast.parse(path.read_text()).body, ""))


def definitions(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield f"{prefix}{node.name}"
            if isinstance(node, ast.ClassDef):
                yield from definitions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.Assign):
            yield from (f"{prefix}{target.id}" for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield f"{prefix}{node.target.id}"


def test_documents_that_code_mentions_exist() -> None:
    files = [path for folder in CODE_FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in CODE_SUFFIXES]
    mentioned = {
        (str(path.relative_to(ROOT)), document)
        for path in [*files, ROOT / "Makefile", ROOT / "pyproject.toml"]
        for document in re.findall(r"\bdocs/[a-z0-9/_-]+\.md\b", path.read_text())
    }
    assert sorted(pair for pair in mentioned if not (ROOT / pair[1]).exists()) == []


def test_the_link_check_can_fail(tmp_path: Path) -> None:
    text = "[`Settings`](callcenter/core/config.py) [`Settings.nothing`](callcenter/core/config.py) [x](none.md)"
    assert [target for _, target in links(text)] == ["callcenter/core/config.py"] * 2 + ["none.md"]
    config = ROOT / "callcenter/core/config.py"
    assert names(config, "Settings")
    assert names(config, "Settings.pbx_name")
    assert not names(config, "Settings.nothing")
