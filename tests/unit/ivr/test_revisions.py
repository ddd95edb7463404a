"""What is kept of flows in memory."""

import pytest

from callcenter.ivr import revisions as revisions_module
from callcenter.ivr.revisions import RevisionStore
from tests.support.flows import flow_set

FLOW = "start: a\nsteps:\n  a: {say: p%d, next: b}\n  b: {hangup: true}\n"


async def test_the_newest_revisions_are_kept_and_the_used_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions_module, "KEPT_IN_MEMORY", 3)
    store = RevisionStore(None)
    made = [flow_set(f=FLOW % n) for n in range(4)]
    for flows in made[:3]:
        store.keep(flows)
    assert await store.find("f", made[0].flows["f"].revision) is not None
    store.keep(made[3])
    kept = [await store.find("f", flows.flows["f"].revision) is not None for flows in made]
    assert kept == [True, False, True, True]
