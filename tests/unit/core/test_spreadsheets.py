"""What a spreadsheet would run is defused."""

import pytest

from callcenter.core.spreadsheets import cell


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+8613800000001", "'+8613800000001"),
        ("-2", "'-2"),
        ("@sum", "'@sum"),
        ("\t=1", "'\t=1"),
        ("\n=1", "'\n=1"),
        ("＝1+1", "'＝1+1"),
        ("consultation", "consultation"),
        (None, ""),
        (-0.5, "-0.5"),  # a number of ours is no formula
        (True, "True"),
    ],
)
def test_cells(value: object, shown: str) -> None:
    assert cell(value) == shown
