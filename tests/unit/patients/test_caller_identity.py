"""A family's number: the best grade of its living patients counts."""

from callcenter.core.ids import new_id
from callcenter.patients.service import CallerIdentity, RecognisedPatient


def patient(grade: str | None, head_start_seconds: int, *, deceased: bool = False) -> RecognisedPatient:
    return RecognisedPatient(new_id(), "张三", "zh", grade, head_start_seconds, deceased, None)


def test_the_longest_head_start_wins() -> None:
    caller = CallerIdentity("+8613800000001", (patient(None, 0), patient("silver", 120), patient("gold", 600)))
    assert (caller.vip_grade, caller.head_start_seconds) == ("gold", 600)


def test_the_grade_of_the_dead_is_not_inherited() -> None:
    caller = CallerIdentity("+8613800000001", (patient("gold", 600, deceased=True), patient("silver", 120)))
    assert (caller.vip_grade, caller.head_start_seconds) == ("silver", 120)


def test_nobody_has_no_grade() -> None:
    assert (CallerIdentity(None, ()).vip_grade, CallerIdentity(None, ()).head_start_seconds) == (None, 0)


def test_a_grade_without_head_start_is_still_a_grade() -> None:
    assert CallerIdentity("+8613800000001", (patient("bronze", 0),)).vip_grade == "bronze"
