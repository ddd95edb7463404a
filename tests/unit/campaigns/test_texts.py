"""What is said to a contact: variables, clauses, where the audio of a clause is kept."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from callcenter.campaigns.errors import UnknownVariable
from callcenter.campaigns.models import CampaignContact
from callcenter.campaigns.rules import SpokenTexts, Texts
from callcenter.campaigns.texts import contact_variables, fill, pieces, slot_of, spoken_pieces, variables_of


def contact(language: str = "zh", name: str = "张伟", **variables: object) -> CampaignContact:
    return CampaignContact(name=name, language=language, variables=variables)


class TestVariables:
    def test_are_filled_in(self) -> None:
        assert fill("{name}您好，{when}见。", {"name": "张伟", "when": "9:30"}) == "张伟您好，9:30见。"

    def test_what_is_missing_is_named(self) -> None:
        with pytest.raises(UnknownVariable) as missing:
            fill("{when} {where} {name}", {"name": "张伟"})
        assert missing.value.details == {"names": ["when", "where"]}

    @pytest.mark.parametrize("text", ["{Name}", "{}", "{name.real}", "{name!r}", "{0}", "{na me}", "{_name}"])
    def test_nothing_else_in_braces_is_one(self, text: str) -> None:
        assert variables_of(text) == frozenset()
        assert fill(text, {}) == text

    def test_a_value_s_braces_name_nothing(self) -> None:
        assert fill("{name}!", {"name": "{secret}", "secret": "x"}) == "secret!"
        assert fill(r"{name}", {"name": r"\1\g<0>"}) == r"\1\g<0>"

    def test_of_a_contact(self) -> None:
        assert contact_variables(contact(when="9:30", room=3)) == {"name": "张伟", "when": "9:30", "room": "3"}


class TestClauses:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("您好，请问是张伟吗？", ("您好，", "请问是张伟吗？")),
            ("Hello, is that Li Na? Thanks!", ("Hello,", "is that Li Na?", "Thanks!")),
            ("The fee is 1,200.50 yuan, at 9:30.", ("The fee is 1,200.50 yuan,", "at 9:30.")),
            ("一；二\n三", ("一；", "二", "三")),
            ("您好！！……？", ("您好！！",)),
            ("没有标点", ("没有标点",)),
            ("，。！", ()),
            ("", ()),
            ("  \n ", ()),
        ],
    )
    def test_are_cut_where_one_breathes(self, text: str, expected: tuple[str, ...]) -> None:
        assert pieces(text) == expected

    @given(st.text(max_size=80))
    def test_nothing_that_is_said_gets_lost(self, text: str) -> None:
        def said(words: str) -> str:
            return "".join(character for character in words if character.isalnum())

        found = pieces(text)
        assert said("".join(found)) == said(text)
        assert all(said(piece) for piece in found)

    def test_who_comes_at_the_same_hour_hears_the_same_audio(self) -> None:
        texts = Texts(spoken={"reminder": SpokenTexts(zh="{name}您好，您预约了{when}就诊。")})
        first = spoken_pieces(texts, contact(when="9:30"))["reminder"]
        second = spoken_pieces(texts, contact(name="李娜", when="9:30"))["reminder"]
        assert first[0] != second[0]
        assert slot_of(first[1], "zh") == slot_of(second[1], "zh")
        assert slot_of(first[1], "zh") != slot_of(first[1], "en")

    def test_a_slot_tells_nothing_of_the_person(self) -> None:
        assert re.fullmatch(r"said:zh:[0-9a-f]{40}", slot_of("张伟您好，", "zh"))


class TestLanguages:
    def test_the_contact_s_own_else_chinese_else_what_there_is(self) -> None:
        both, chinese, english = SpokenTexts(zh="好", en="good"), SpokenTexts(zh="好"), SpokenTexts(en="good")
        assert [text.of("en") for text in (both, chinese, english)] == ["good", "好", "good"]
        assert [text.of("zh") for text in (both, chinese, english)] == ["好", "好", "good"]

    def test_one_at_least(self) -> None:
        with pytest.raises(ValidationError):
            SpokenTexts(zh=" ", en="")

    def test_a_variable_that_only_the_other_language_needs_is_not_missed(self) -> None:
        texts = Texts(spoken={"hello": SpokenTexts(zh="您好", en="Hello {title}")})
        assert spoken_pieces(texts, contact()) == {"hello": ("您好",)}
        with pytest.raises(UnknownVariable):
            spoken_pieces(texts, contact("en"))
