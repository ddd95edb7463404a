"""YAML to nodes that know their line, for files that staff write and strangers may have touched.

Every scalar stays the string that was written (``on``, ``010``, ``1:30``, ``~``): the steps' models read numbers
themselves. Aliases, anchors, tags, duplicate keys, further documents and whatever is too large or too deep are
refused; the work is bounded by :data:`MAX_BYTES` and :data:`MAX_NODES`, because nodes are built from the parser's
events and the first one too many ends it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from callcenter.ivr.errors import FlowError, FlowProblem

MAX_BYTES = 64 * 1024
MAX_NODES = 3_000
MAX_DEPTH = 8

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Items:
    nodes: tuple["Node", ...]
    line: int


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping. ``key_lines``: where each key stands."""

    nodes: Mapping[str, "Node"]
    key_lines: Mapping[str, int]
    line: int


Node = Scalar | Items | Entries


def read_yaml(content: bytes, file: str) -> Entries:
    """The mapping that is the whole of a flow file. Raises :class:`FlowError` with the line of the first fault."""
    if len(content) > MAX_BYTES:
        raise _refusal(file, 1, "too-large", f"the file is larger than {MAX_BYTES // 1024} kB")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _refusal(file, line, "not-utf8", f"byte {error.start} is not UTF-8") from None
    try:
        return _Composer(yaml.parse(text, Loader=_PARSER), file).document()
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise _refusal(file, line, "yaml-syntax", "a character that YAML does not allow") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refusal(file, mark.line + 1 if mark else 1, "yaml-syntax", str(error.problem)) from None
    except yaml.YAMLError as error:
        raise _refusal(file, 1, "yaml-syntax", str(error)) from None


def plain(node: Node) -> Any:
    """The node as strings, lists and dicts."""
    match node:
        case Scalar(text=text):
            return text
        case Items(nodes=nodes):
            return [plain(one) for one in nodes]
        case Entries(nodes=nodes):
            return {key: plain(one) for key, one in nodes.items()}


def line_at(node: Node, path: tuple[int | str, ...]) -> int:
    """The line of what lies at ``path`` below ``node``; as far as the path leads."""
    line = node.line
    for part in path:
        if isinstance(node, Entries) and part in node.nodes:
            line, node = node.key_lines[str(part)], node.nodes[str(part)]
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.nodes):
            node = node.nodes[part]
            line = node.line
        else:
            break
    return line


class _Composer:
    """Builds one document's nodes and stops at the first event that is not allowed."""

    def __init__(self, events: Iterator[Any], file: str) -> None:
        self._events = events
        self._file = file
        self._nodes = 0

    def document(self) -> Entries:
        next(self._events)  # start of stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise self._refusal(1, "empty-file", "the file is empty")
        root = self._node(next(self._events), depth=1)
        next(self._events)  # end of document
        further = next(self._events)
        if not isinstance(further, yaml.StreamEndEvent):
            raise self._refusal(_line(further), "several-documents", "a file holds one flow, no further document")
        if not isinstance(root, Entries):
            raise self._refusal(root.line, "not-a-mapping", "a flow is a mapping (flow: ..., start: ..., steps: ...)")
        return root

    def _node(self, event: Any, depth: int) -> Node:
        line = _line(event)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._refusal(line, "too-many-values", f"more than {MAX_NODES} values")
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._refusal(line, "alias", "anchors (&) and aliases (*) are not allowed; put * as a key in quotes")
        if event.tag is not None:
            raise self._refusal(line, "tag", "tags (!) are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(event.value, line)
        if depth >= MAX_DEPTH:
            raise self._refusal(line, "too-deep", f"nested more than {MAX_DEPTH} deep")
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(tuple(self._until(yaml.SequenceEndEvent, depth)), line)
        return self._entries(line, depth)

    def _entries(self, line: int, depth: int) -> Entries:
        nodes: dict[str, Node] = {}
        key_lines: dict[str, int] = {}
        parts = self._until(yaml.MappingEndEvent, depth)
        for key in parts:
            if not isinstance(key, Scalar):
                raise self._refusal(key.line, "not-a-name", "a key is a plain name or number")
            if key.text in nodes:
                raise self._refusal(key.line, "duplicate-key", f"{key.text!r} stands here twice")
            key_lines[key.text] = key.line
            nodes[key.text] = next(parts)
        return Entries(nodes, key_lines, line)

    def _until(self, end: type, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), end):
            yield self._node(event, depth + 1)

    def _refusal(self, line: int, code: str, message: str) -> FlowError:
        return _refusal(self._file, line, code, message)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _refusal(file: str, line: int, code: str, message: str) -> FlowError:
    return FlowError([FlowProblem(file, line, code, message)])
