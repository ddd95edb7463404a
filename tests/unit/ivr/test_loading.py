"""Hostile and careless YAML: refused with its line, or read as exactly what was written."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcenter.ivr.errors import FlowError
from callcenter.ivr.loading import MAX_BYTES, MAX_DEPTH, MAX_NODES, Entries, line_at, plain, read_yaml

LAUGHS = b"a: &a [lol]\n" + b"".join(
    b"%c: &%c [%s]\n" % (97 + n, 97 + n, b",".join([b"*%c" % (96 + n)] * 9)) for n in range(1, 20)
)


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        pytest.param(LAUGHS, "alias", 1, id="billion laughs"),
        pytest.param(b"a: 1\nb: *x\n", "alias", 2, id="alias"),
        pytest.param(b"a: 1\nsteps: {*: x}\n", "yaml-syntax", 2, id="star without quotes"),
        pytest.param(b"a: 1\n<<: {a: 2}\nc: !!python/object/apply:os.system [id]", "tag", 3, id="python tag"),
        pytest.param(b"a: ! x", "tag", 1, id="bare tag"),
        pytest.param(b"a: 1\nb: 2\na: 3\n", "duplicate-key", 3, id="duplicate key"),
        pytest.param(b"a:\n  '1': x\n  1: y\n", "duplicate-key", 3, id="the same key quoted and plain"),
        pytest.param(b"a: 1\n[b]: 2\n", "not-a-name", 2, id="a list as key"),
        pytest.param(b"a: 1\n---\nb: 2\n", "several-documents", 2, id="two documents"),
        pytest.param(b"", "empty-file", 1, id="empty"),
        pytest.param(b"# nothing\n", "empty-file", 1, id="only a comment"),
        pytest.param(b"- a\n", "not-a-mapping", 1, id="a list"),
        pytest.param(b"a: 1\nb: [\n", "yaml-syntax", 3, id="unclosed"),
        pytest.param(b"a: 1\nb: c: d\n", "yaml-syntax", 2, id="mapping in mapping"),
        pytest.param(b"a: 1\nb: \x07\n", "yaml-syntax", 2, id="control character"),
        pytest.param(b"a: 1\nb: \xe5\xbc\n", "not-utf8", 2, id="half a character"),
        pytest.param("a: 1".encode("utf-16"), "not-utf8", 1, id="utf-16"),
        pytest.param(b"a: " + b"x" * 1_000_000, "too-large", 1, id="a line of 1 MB"),
        pytest.param(b"a: " + b"[" * 60_000, "too-deep", 1, id="deep lists"),
        pytest.param(b"{a: " * 15_000, "too-deep", 1, id="deep mappings"),
        pytest.param(b"- " * 30_000, "too-deep", 1, id="deep block lists"),
        pytest.param(b"? " * 30_000, "too-deep", 1, id="deep keys"),
        pytest.param(b"a: [" + b"x," * 32_000 + b"]", "too-many-values", 1, id="a huge list"),
        pytest.param(b"".join(b"k%d: \n" % n for n in range(6_000)), "too-many-values", 1500, id="a huge mapping"),
    ],
)
def test_refused_with_its_line(content: bytes, code: str, line: int) -> None:
    with pytest.raises(FlowError) as refused:
        read_yaml(content, "f.yaml")
    (problem,) = refused.value.problems
    assert (problem.file, problem.code, problem.line) == ("f.yaml", code, line)


@pytest.mark.parametrize(
    "text", ["on", "no", "yes", "010", "1_000", "1:30", "0x1F", "1e3", "~", "null", "true", "2026-01-01", ".inf", "="]
)
def test_a_scalar_stays_the_string_that_was_written(text: str) -> None:
    assert plain(read_yaml(f"{text}: {text}".encode(), "f.yaml")) == {text: text}


def test_the_limits_themselves_are_allowed() -> None:
    deepest = b"a: " + b"[" * (MAX_DEPTH - 2) + b"x" + b"]" * (MAX_DEPTH - 2)
    assert plain(read_yaml(deepest, "f.yaml"))
    most = b"a: [" + b"x," * (MAX_NODES - 3) + b"]"
    assert len(plain(read_yaml(most, "f.yaml"))["a"]) == MAX_NODES - 3
    largest = b"a: " + b"x" * (MAX_BYTES - 3)
    assert len(plain(read_yaml(largest, "f.yaml"))["a"]) == MAX_BYTES - 3


def test_lines_are_found_by_path() -> None:
    root = read_yaml(b"# c\na: 1\nb:\n  c:\n    - x\n    - y\n", "f.yaml")
    assert line_at(root, ("a",)) == 2
    assert line_at(root, ("b", "c", 1)) == 6
    assert line_at(root, ("b", "absent", "deeper")) == 3


def read_or_refused(content: bytes) -> None:
    try:
        assert isinstance(read_yaml(content, "f.yaml"), Entries)
    except FlowError as error:
        assert all(problem.line >= 1 for problem in error.problems)


UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@UNTIMED
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    read_or_refused(content)


@UNTIMED
@given(st.text(alphabet="ab:-?[]{},&*!|>'\"%@`# \n\t0~<=", max_size=200))
def test_any_text_of_yaml_characters_is_read_or_refused(text: str) -> None:
    read_or_refused(text.encode())
