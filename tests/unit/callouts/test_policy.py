"""Which numbers may be dialled: the hospital's rules first, by the longest prefix; else nothing abroad or dear."""

import pytest

from callcenter.callouts.policy import PrefixRule, Refusal, find_refusal

MOBILE, LANDLINE, SHARED_COST, HONG_KONG = "+8613800000001", "+8657188888888", "+864008001234", "+85221234567"
DEAR_HONG_KONG = "+85290012345678"


@pytest.mark.parametrize(
    ("e164", "refusal"),
    [
        (MOBILE, None),
        (LANDLINE, None),
        (SHARED_COST, Refusal.COSTS_EXTRA),
        ("+868001234567", Refusal.COSTS_EXTRA),
        (HONG_KONG, Refusal.ABROAD),
        ("+12125550123", Refusal.ABROAD),
        ("+18765550123", Refusal.NOT_A_NUMBER),
        ("+882161234567", Refusal.ABROAD),
        ("+97912345678", Refusal.NOT_A_NUMBER),
        ("13800000001", Refusal.NOT_A_NUMBER),
        ("", Refusal.NOT_A_NUMBER),
        ("+86138", Refusal.NOT_A_NUMBER),
        (MOBILE + ";ext=1", Refusal.NOT_A_NUMBER),
        (MOBILE + "\r\nAction: Originate", Refusal.NOT_A_NUMBER),
    ],
)
def test_without_rules_only_ordinary_numbers_of_the_country(e164: str, refusal: Refusal | None) -> None:
    found = find_refusal(e164, "CN")
    assert (found is None) == (refusal is None)
    if refusal is not Refusal.NOT_A_NUMBER:
        assert found == refusal


@pytest.mark.parametrize(
    ("e164", "rules", "refusal"),
    [
        (HONG_KONG, {"852": True}, None),
        (HONG_KONG, {"852": True, "8522123": False}, Refusal.FORBIDDEN),
        (HONG_KONG, {"8522": False, "852": True, "85221": True}, None),
        (DEAR_HONG_KONG, {"852": True}, Refusal.COSTS_EXTRA),
        (DEAR_HONG_KONG, {"852900": True}, None),
        (SHARED_COST, {"86": True}, Refusal.COSTS_EXTRA),
        (SHARED_COST, {"86400": True}, None),
        (MOBILE, {"86138": False}, Refusal.FORBIDDEN),
        (MOBILE, {"861": True, "86": False}, None),
        ("+86138", {"86": True}, Refusal.NOT_A_NUMBER),
    ],
)
def test_the_longest_prefix_decides(e164: str, rules: dict[str, bool], refusal: Refusal | None) -> None:
    assert find_refusal(e164, "CN", [PrefixRule(*rule) for rule in rules.items()]) == refusal


def test_what_is_national_depends_on_the_hospital() -> None:
    assert find_refusal("+12125550123", "US") is None
    assert find_refusal("+12425550123", "US") is not None  # the Bahamas share the country code 1
    assert find_refusal(MOBILE, "US") is Refusal.ABROAD
