"""May a process of this version work on that schema?"""

import pytest

from callcenter.core.schema import Fit, FoundSchema, fit

KNOWN = frozenset({"0001", "0002"})


def found(revision: str | None, *later: str) -> FoundSchema:
    """``later``: phases of 0003, 0004... which this version does not know."""
    newer = {f"{number:04}": phase for number, phase in enumerate(later, start=3)}
    return FoundSchema(revision, {"0001": "expand", "0002": "contract"} | newer)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (FoundSchema(None, {}), Fit.BEHIND),
        (found("0001"), Fit.BEHIND),
        (found("0002"), Fit.CURRENT),
        (FoundSchema("0002", {}), Fit.CURRENT),
        (found("0003", "expand"), Fit.AHEAD),
        (found("0004", "expand", "expand"), Fit.AHEAD),
        (found("0003", "contract"), Fit.TOO_NEW),
        (found("0004", "contract", "expand"), Fit.TOO_NEW),
        (found("0003"), Fit.TOO_NEW),
        (FoundSchema("0003", {"0003": "expand"}), Fit.TOO_NEW),
        (FoundSchema("0003", {}), Fit.TOO_NEW),
    ],
)
def test_fit(schema: FoundSchema, expected: Fit) -> None:
    assert fit(schema, KNOWN, "0002") is expected
