"""The committed bundles are what ``make web`` makes of the sources, and the pages' words exist in both languages.

Known without node: beside each bundle stands what it was made of.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from callcenter.web.bundles import DIRECTORY, bundles

WEB = Path(__file__).resolve().parents[3] / "web"
PAGES = sorted(path.stem for path in (WEB / "src").glob("*.ts") if not path.name.endswith(".d.ts"))
TEXTS = sorted((WEB / "src" / "texts").glob("*.json"))
REMEDY = "run make web and commit callcenter/web/static"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def record(page: str) -> dict[str, dict[str, str]]:
    path = DIRECTORY / f"{page}.build.json"
    assert path.exists(), REMEDY
    found: dict[str, dict[str, str]] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("page", PAGES)
def test_bundles_are_made_of_these_sources(page: str) -> None:
    sources = record(page)["sources"]
    assert {"package-lock.json", "build.mjs", f"src/{page}.ts"} <= set(sources)
    changed = [name for name, digest in sources.items() if not (WEB / name).exists() or sha256(WEB / name) != digest]
    assert not changed, REMEDY


def test_bundles_are_as_they_were_made() -> None:
    made: dict[str, str] = {}
    for page in PAGES:
        made |= record(page)["made"]
    there = {path.name for path in DIRECTORY.iterdir() if not path.name.endswith(".build.json")}
    assert there == set(made), REMEDY
    assert [name for name, digest in made.items() if sha256(DIRECTORY / name) != digest] == [], REMEDY
    assert set(bundles()) == there


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", text))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.stem))
def test_every_word_is_there_in_both_languages(path: Path) -> None:
    texts: dict[str, Any] = json.loads(path.read_text())
    for key, entry in texts.items():
        assert set(entry) == {"zh", "en"}, key
        assert entry["zh"].strip(), key
        assert entry["en"].strip(), key
        assert placeholders(entry["zh"]) == placeholders(entry["en"]), key
        assert not re.search(r"[\u4e00-\u9fff]", entry["en"]), key


def test_no_address_stands_in_the_lock() -> None:
    lock = (WEB / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert not re.search(r"https?://(?!github\.com/sponsors|opencollective)", lock)
