"""What counts as an error of the recogniser."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.core.errors import SetupError
from callcenter.speech.languages import Language
from callcenter.speech.recognition import Heard, Recogniser, compared_parts, edit_distance, error_rate


@pytest.mark.parametrize(
    ("wanted", "heard", "distance"),
    [
        ("", "", 0),
        ("稍候", "稍后", 1),
        ("人工服务", "人工", 2),
        ("按二", "请按二号", 2),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
    ],
)
def test_edit_distance(wanted: str, heard: str, distance: int) -> None:
    assert edit_distance(wanted, heard) == edit_distance(heard, wanted) == distance


@given(st.text("ab二", max_size=8), st.text("ab二", max_size=8), st.text("ab二", max_size=8))
def test_edit_distance_is_a_distance(one: str, other: str, third: str) -> None:
    assert (edit_distance(one, other) == 0) == (one == other)
    assert edit_distance(one, third) <= edit_distance(one, other) + edit_distance(other, third)


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("人工服务，请按2。", "人工服务请按二", "zh"),
        ("请拨打幺二零！", "请拨打120", "zh"),
        ("第20位", "第二十位", "zh"),
        ("两个", "2个", "zh"),
        ("Ｗｉｆｉ", "wifi", "zh"),
        ("Press 2.", "press two", "en"),
        ("Twenty-one", "twenty one", "en"),
        ("Call 120!", "call one two zero", "en"),
    ],
)
def test_what_sounds_the_same_is_no_error(one: str, other: str, language: Language) -> None:
    assert Heard(compared_parts(one, language), compared_parts(other, language)).errors == 0


def test_error_rate_is_over_all_that_was_wanted() -> None:
    assert error_rate([Heard("abcd", "abcx"), Heard("ab", "ab"), Heard("abcdef", "")]) == 7 / 12
    assert error_rate([]) == 0.0


def test_without_the_extra_or_a_model_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"callcenter\[listen\]|docs/prompts.md"):
        Recogniser(tmp_path)
