"""In which of Asterisk's queues an agent stands; where callers overflow to; what the names mean."""

import pytest

from callcenter.asterisk.queue_names import is_ours_alone, main_queue, personal_queue, shadow_queue
from callcenter.queues.overflow import overflow_chain
from callcenter.queues.places import Place, app_places

MEMBERS = {"complaint": ["1001", "1002", "1003"], "vip": ["1001"]}


def place(queue: str, penalty: int = 0, *, excludes: bool = False, last_agent: bool = False) -> Place:
    return Place(queue, penalty, excludes_complained_agent=excludes, last_agent_first=last_agent)


def test_a_plain_queue_is_one_place() -> None:
    assert list(app_places("1001", [place("vip", 3)], MEMBERS)) == [("vip", 3)]


def test_a_queue_without_an_agent_has_all_the_others() -> None:
    places = list(app_places("1001", [place("complaint", 2, excludes=True)], MEMBERS))
    assert places == [("complaint", 2), ("complaint--not-1002", 2), ("complaint--not-1003", 2)]


def test_one_personal_queue_however_many_queues_ask_for_it() -> None:
    places = [place("consultation", last_agent=True), place("expert", 1), place("vip", 4, last_agent=True)]
    assert list(app_places("1001", places, MEMBERS)) == [
        ("consultation", 0),
        ("expert", 1),
        ("vip", 4),
        ("own-1001", 0),
    ]
    assert list(app_places("1001", [], MEMBERS)) == []


@pytest.mark.parametrize(
    ("start", "way"),
    [
        ("vip", ["vip", "consultation", "night"]),
        ("night", ["night"]),
        ("one", ["one", "two", "one"]),
        ("own", ["own", "own"]),
        ("gone", ["gone"]),
        ("nowhere", ["nowhere"]),
    ],
)
def test_a_chain_of_queues_ends(start: str, way: list[str]) -> None:
    overflows = {
        "vip": "consultation",
        "consultation": "night",
        "night": None,
        "one": "two",
        "two": "one",
        "own": "own",
        "gone": "deleted",
    }
    assert overflow_chain(overflows, start) == way


@pytest.mark.parametrize(
    ("app_queue", "ours"),
    [("vip", "vip"), (shadow_queue("complaint", "1003"), "complaint"), (personal_queue("1001"), "consultation")],
)
def test_asterisks_queues_stand_for_ours(app_queue: str, ours: str) -> None:
    assert main_queue(app_queue, "consultation") == ours


@pytest.mark.parametrize("name", [shadow_queue("complaint", "1003"), personal_queue("1001"), "own-", "a--b"])
def test_no_queue_of_ours_is_called_like_asterisks_own(name: str) -> None:
    assert is_ours_alone(name)
    assert not is_ours_alone("own")
    assert not is_ours_alone("follow-up_1")
