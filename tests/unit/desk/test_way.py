"""How an agent reads the way of a caller."""

from datetime import UTC, datetime
from pathlib import Path

from callcenter.core.config import Settings
from callcenter.desk.masking import mask_name
from callcenter.desk.own_calls import WayStep
from callcenter.desk.way import LABELS_FILE, WayLabels, read_labels, tell_way
from callcenter.ivr.flow_files import load

AT = datetime(2026, 1, 5, tzinfo=UTC)


def step(place: str, outcome: str) -> WayStep:
    flow, name = place.split("/")
    return WayStep(AT, flow, name, outcome)


def test_what_has_words_and_what_was_pressed_is_told() -> None:
    words = 'labels: {menu/menu: {"2": {zh: 人工, en: Person}, "*": {zh: 紧急, en: Help}}}'
    labels = read_labels(words.encode(), "way")
    way = tell_way(
        [
            step("menu/open_now", "open"),
            step("menu/menu", "2"),
            step("menu/menu", "star"),
            step("other/menu", "3"),
            step("other/menu", "timeout"),
        ],
        labels,
    )
    told = [(one.text_zh, one.text_en) for one in way]
    assert told == [("人工", "Person"), ("紧急", "Help"), ("按键 3", "Pressed 3")]


def test_the_words_that_come_with_the_service_fit_its_flows() -> None:
    settings = Settings()
    flows = load(settings.flows_dir, settings.prompts_dir).flows
    labels = WayLabels(settings.flows_dir).current()
    assert labels
    for place, outcome in labels:
        flow, name = place.split("/")
        routes = flows[flow].steps[name].routes()
        assert outcome in routes, (place, outcome)


def test_a_bad_file_leaves_the_good_words_in_use(tmp_path: Path) -> None:
    file = tmp_path / LABELS_FILE
    words = WayLabels(tmp_path)
    assert words.current() == {}
    file.parent.mkdir()
    file.write_text('labels: {a/b: {"1": {zh: 一, en: One}}}', "utf-8")
    good = words.current()
    assert list(good) == [("a/b", "1")]
    file.write_text('labels: {a/b: {"1": {zh: 一}}}', "utf-8")
    assert words.current() == good


def test_masked_names() -> None:
    names = {"张伟": "张*", "欧阳明": "欧*明", "王": "王*", "阿卜杜拉": "阿**拉", "Johnathan": "J***n", "": "*"}
    assert {name: mask_name(name) for name in names} == names
