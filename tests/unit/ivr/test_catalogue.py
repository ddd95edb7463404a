"""Staff change a flow: the next call has it; a mistake leaves in use what was there."""

import shutil
from pathlib import Path

import pytest
import structlog

from callcenter.ivr.catalogue import Catalogue, settle
from callcenter.ivr.checks import Known
from callcenter.ivr.prompts import InvalidPrompts
from callcenter.ivr.revisions import RevisionStore

TEXTS = "hello: {zh: 您好, en: Hello}\nbye: {zh: 再见, en: Bye}\n"


def flow(name: str, entry: str, prompt: str = "hello") -> str:
    return (
        f'flow: {name}\nentry: ["{entry}"]\nstart: a\nsteps:\n  a: {{say: {prompt}, next: b}}\n  b: {{hangup: true}}\n'
    )


class Folders:
    def __init__(self, root: Path) -> None:
        self.flows, self.prompts = root / "flows", root / "prompts"
        self.flows.mkdir()
        self.prompts.mkdir()
        (self.prompts / "asterisk.yaml").write_text("vm-goodbye: {zh: 再见, en: Goodbye}\n")
        (self.prompts / "texts.yaml").write_text(TEXTS)
        self.revisions = RevisionStore(None)
        self.catalogue = Catalogue(self.flows, self.prompts, revisions=self.revisions)

    def write(self, name: str, text: str) -> None:
        """As an editor that saves well: a new file takes the old one's place."""
        draft = self.flows / f".{name}"
        draft.write_text(text)
        draft.replace(self.flows / f"{name}.yaml")

    async def revisions_in_use(self) -> dict[str, str]:
        return {name: one.revision for name, one in (await self.catalogue.current()).flows.flows.items()}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    made = Folders(tmp_path)
    made.write("f", flow("f", "1"))
    made.write("g", flow("g", "2"))
    return made


async def test_a_change_is_in_use_by_the_next_call_and_the_old_revision_is_kept(folders: Folders) -> None:
    before = await folders.revisions_in_use()
    folders.write("f", flow("f", "1", "bye"))
    after = await folders.revisions_in_use()
    assert after["f"] != before["f"]
    assert after["g"] == before["g"]
    kept = await folders.revisions.find("f", before["f"])
    assert kept is not None
    assert kept.flows["f"].revision == before["f"]


async def test_nothing_is_read_again_when_nothing_changed(folders: Folders) -> None:
    assert await folders.catalogue.current() is await folders.catalogue.current()


async def test_a_mistake_is_refused_and_told_and_the_others_changes_count(folders: Folders) -> None:
    before = await folders.revisions_in_use()
    with structlog.testing.capture_logs() as logs:
        folders.write("f", flow("f", "1", "no_such_prompt"))
        folders.write("g", flow("g", "3"))
        after = await folders.revisions_in_use()
        await folders.revisions_in_use()
    assert after["f"] == before["f"]
    assert after["g"] != before["g"]
    (refused,) = [entry for entry in logs if entry["event"] == "flow_refused"]  # once, not for each call
    assert refused["problems"] == ["f.yaml:5: there is no prompt 'no_such_prompt' [unknown-prompt]"]
    folders.write("f", flow("f", "4"))
    assert (await folders.catalogue.current()).flows.find_by_entry("4") is not None


async def test_changes_that_do_not_fit_what_stays_are_refused_together(folders: Folders) -> None:
    before = await folders.revisions_in_use()
    folders.write("f", "flow: f\n")  # keeps its old content, with the number 1 ...
    folders.write("g", flow("g", "1"))  # ... which this one claims
    assert await folders.revisions_in_use() == before


async def test_a_flow_that_another_needs_is_not_lost_with_its_file(folders: Folders) -> None:
    folders.write("f", 'flow: f\nentry: ["1"]\nstart: a\nsteps:\n  a: {goto_flow: g}\n')
    before = await folders.revisions_in_use()
    (folders.flows / "g.yaml").unlink()
    assert await folders.revisions_in_use() == before


async def test_a_flow_that_nobody_needs_goes_with_its_file(folders: Folders) -> None:
    await folders.revisions_in_use()
    (folders.flows / "g.yaml").unlink()
    assert set(await folders.revisions_in_use()) == {"f"}


async def test_at_start_the_valid_flows_work_without_the_invalid_one(folders: Folders) -> None:
    folders.write("g", "flow: [")
    folders.write("h", 'flow: h\nentry: ["5"]\nstart: a\nsteps:\n  a: {goto_flow: g}\n')
    assert set(await folders.revisions_in_use()) == {"f"}


async def test_a_folder_that_is_gone_for_a_moment_changes_nothing(folders: Folders) -> None:
    before = await folders.revisions_in_use()
    moved = folders.flows.rename(folders.flows.with_name("moved"))
    assert await folders.revisions_in_use() == before
    moved.rename(folders.flows)
    assert await folders.revisions_in_use() == before


async def test_a_file_that_cannot_be_read_keeps_its_last_content(folders: Folders) -> None:
    before = await folders.revisions_in_use()
    (folders.flows / "f.yaml").unlink()
    (folders.flows / "f.yaml").mkdir()  # also for root, who may read everything else
    assert await folders.revisions_in_use() == before


async def test_a_new_prompt_is_known_at_once_and_a_broken_prompt_file_changes_nothing(folders: Folders) -> None:
    await folders.revisions_in_use()
    (folders.prompts / "texts.yaml").write_text(TEXTS + "new: {zh: 新, en: New}\n")
    folders.write("f", flow("f", "1", "new"))
    after = await folders.revisions_in_use()
    (folders.prompts / "texts.yaml").write_text("[")
    published = await folders.catalogue.current()
    assert published.flows.flows["f"].revision == after["f"]
    assert "new" in published.prompts


async def test_without_prompts_there_is_no_start(folders: Folders) -> None:
    shutil.rmtree(folders.prompts)
    with pytest.raises(InvalidPrompts):
        await folders.catalogue.current()


def test_the_good_files_are_used_as_long_as_they_can_be() -> None:
    """A prompt that the good flow plays has gone: nothing is left to use, but nothing fails."""
    good = {"f.yaml": flow("f", "1").encode()}
    flows, files, problems = settle(good, good, Known(prompt_ids={"other"}))
    assert (dict(flows.flows), files) == ({}, {})
    assert [problem.code for problem in problems] == ["unknown-prompt"]
