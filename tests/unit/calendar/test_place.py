"""The hospital's clock is one that the time-zone database knows."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from callcenter.calendar.public_days import Place
from callcenter.core.config import Settings


def test_the_place_of_the_settings(tmp_path: Path) -> None:
    assert Place.of(Settings(state_dir=tmp_path)) == Place(ZoneInfo("Asia/Shanghai"), "CN")
    elsewhere = Settings(state_dir=tmp_path, time_zone="Europe/Berlin", country="DE")
    assert Place.of(elsewhere) == Place(ZoneInfo("Europe/Berlin"), "DE")


@pytest.mark.parametrize("zone", ["", "Asia", "Asia/Nowhere", "../etc/passwd", "/etc/passwd", "Asia/Shanghai\x00"])
def test_an_unknown_zone_is_refused(tmp_path: Path, zone: str) -> None:
    with pytest.raises(ValidationError, match="time_zone"):
        Settings(state_dir=tmp_path, time_zone=zone)
