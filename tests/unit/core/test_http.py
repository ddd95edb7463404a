"""Pages, bodies, problem documents: what is told and what is never told."""

from typing import Any

import pytest
from pydantic import ValidationError

from callcenter.core.cursors import encode_cursor
from callcenter.core.http import ApiModel, cut_page
from callcenter.core.problems import field_error, preferred_language


def test_a_page_ends_with_a_cursor_only_if_there_is_more() -> None:
    assert cut_page([1, 2, 3], 2, lambda row: (row,)) == ([1, 2], encode_cursor((2,)))
    assert cut_page([1, 2], 2, lambda row: (row,)) == ([1, 2], None)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.5,zh;q=0.5", "zh"),
        ("fr", "zh"),
        ("en;q=x", "zh"),
        ("*", "zh"),
    ],
)
def test_the_reader_s_language(header: str, language: str) -> None:
    assert preferred_language(header) == language


class Body(ApiModel):
    name: str
    age: int = 0
    tags: list[str] = []
    by_name: dict[str, int] = {}


SECRET = "张三13800000001"


@pytest.mark.parametrize(
    ("body", "pointer", "reason"),
    [
        ({"name": "a", "age": SECRET}, "/age", "int_parsing"),
        ({"name": "a", SECRET: 1}, "", "extra_forbidden"),
        ({"name": "a", "by_name": {SECRET: "x"}}, "/by_name/*", "int_parsing"),
        ({"name": f"{SECRET}\x00"}, "/name", "value_error"),
        ({"name": "a", "tags": [f"{SECRET}\x00"]}, "/tags", "value_error"),
        ({}, "/name", "missing"),
    ],
)
def test_a_field_error_names_the_field_and_echoes_nothing(body: dict[str, Any], pointer: str, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Body.model_validate(body)
    one = dict(caught.value.errors()[0])
    told = field_error({**one, "loc": ("body", *caught.value.errors()[0]["loc"])})
    assert (told["pointer"], told["reason"]) == (pointer, reason)
    assert "1380000" not in str(told)
    assert "张三" not in str(told)


def test_limits_are_told() -> None:
    told = field_error({"type": "less_than_equal", "loc": ("query", "limit"), "ctx": {"le": 500}, "input": 1000})
    assert told == {"in": "query", "pointer": "/limit", "reason": "less_than_equal", "limits": {"le": 500}}
