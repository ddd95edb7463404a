"""The way of a caller through the menus, as an agent reads it while the telephone rings.

The words stand beside the flows (``ivr_flows/labels/way.yaml``) and are the hospital's. What has no words there is
left out, but keys that the caller pressed.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callcenter.desk.own_calls import WayStep
from callcenter.ivr.errors import FlowError
from callcenter.ivr.loading import plain, read_yaml

log = structlog.get_logger(__name__)

LABELS_FILE = Path("labels") / "way.yaml"
_KEYS = {**{digit: digit for digit in "0123456789"}, "star": "*", "hash": "#"}
"""Outcomes that are keys, as the ledger writes them."""


class _Label(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    zh: str = Field(min_length=1, max_length=100)
    en: str = Field(min_length=1, max_length=100)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    labels: dict[str, dict[str, _Label]] = Field(max_length=500)


Labels = Mapping[tuple[str, str], _Label]
"""(``flow/step``, outcome) to the words."""


@dataclass(frozen=True, slots=True)
class ToldStep:
    """``flow``, ``step`` and ``outcome`` are stable words for programmes; the texts are for people."""

    at: datetime
    flow: str
    step: str
    outcome: str
    text_zh: str
    text_en: str


def tell_way(steps: Iterable[WayStep], labels: Labels) -> list[ToldStep]:
    """What of the way is worth a look, in order."""
    return [told for step in steps if (told := _tell(step, labels)) is not None]


def _tell(step: WayStep, labels: Labels) -> ToldStep | None:
    key = _KEYS.get(step.outcome)
    label = labels.get((f"{step.flow}/{step.step}", key or step.outcome))
    if label is not None:
        return ToldStep(step.at, step.flow, step.step, step.outcome, label.zh, label.en)
    if key is not None:
        return ToldStep(step.at, step.flow, step.step, step.outcome, f"按键 {key}", f"Pressed {key}")
    return None


def read_labels(content: bytes, file: str) -> Labels:
    """Raises FlowError, ValidationError."""
    parsed = _File.model_validate(plain(read_yaml(content, file)))
    return {(place, outcome): label for place, words in parsed.labels.items() for outcome, label in words.items()}


class WayLabels:
    """The words of one folder of flows: read anew when the file changes; a bad one leaves the good ones in use."""

    def __init__(self, flows_dir: Path) -> None:
        self._path = flows_dir / LABELS_FILE
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._labels: Labels = {}

    def current(self) -> Labels:
        """A look at the file's time; reads it only when that has changed."""
        with self._lock:
            try:
                status = self._path.stat()
                seen = (status.st_mtime_ns, status.st_size)
                if seen != self._seen:
                    self._seen = seen
                    self._labels = read_labels(self._path.read_bytes(), self._path.name)
            except FileNotFoundError:
                return self._labels  # a hospital's own flows need none
            except (OSError, FlowError, ValidationError) as error:
                log.error("way_labels_refused", file=str(self._path), error=str(error)[:500])
            return self._labels
