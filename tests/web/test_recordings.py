"""A recorded conversation: found, heard and scored on the console; seen, heard and answered at the desk."""

from playwright.sync_api import BrowserContext, Page, expect

from demo import quality
from tests.support.recordings import Recorded, given_conversation, storer
from tests.web.scene import SUPERVISOR, SUPERVISOR_PASSWORD, Scene

SECONDS = 4.0


async def _recorded(scene: Scene) -> Recorded:
    """Of agent 1001, stored; and the sheet by which it is scored."""
    database, settings = scene.site.database, scene.site.settings
    async with database.transaction() as session:
        await quality.load(session)
    recorded = await given_conversation(database, settings.recordings_dir, seconds=SECONDS)
    await storer(database, settings).tick()
    return recorded


def _plays(page: Page) -> None:
    """The sound has come whole, and goes on when asked to."""
    audio = page.locator("[data-test=player] audio")
    expect(page.get_by_test_id("waveform").locator("path.side-agent")).to_have_count(1)
    page.wait_for_function("audio => Math.abs(audio.duration - 4) < 0.1", arg=audio.element_handle())
    audio.evaluate("audio => { audio.muted = true; return audio.play(); }")
    page.wait_for_function("audio => audio.currentTime > 0.2", arg=audio.element_handle())
    page.get_by_test_id("waveform").click(position={"x": 5, "y": 5})
    page.wait_for_function("audio => audio.currentTime < 2", arg=audio.element_handle())


def test_scored_heard_and_answered(scene: Scene, context: BrowserContext) -> None:
    recorded = scene.site.run(_recorded(scene))
    scene.given_supervisor("consultation")
    desk, console = context.new_page(), context.new_page()
    scene.sit_down(desk)
    expect(desk.get_by_test_id("own-calls")).to_be_visible()
    expect(desk.get_by_test_id("scores")).to_be_hidden()

    scene.log_in(console, "/console", SUPERVISOR, SUPERVISOR_PASSWORD)
    console.get_by_test_id("view-recordings").click()
    console.get_by_test_id("recordings").get_by_role("button", name="查找").click()
    row = console.locator(f'[data-recording="{recorded.id}"]')
    row.get_by_test_id("play").click()
    _plays(console)
    console.get_by_text("评分", exact=True).last.click()
    form = console.get_by_test_id("score-form")
    for question, answer in (("使用标准问候语", "是"), ("透露就诊信息前", "是"), ("耐心倾听", "4"), ("答复准确", "5")):
        form.get_by_role("radiogroup").filter(has_text=question).get_by_label(answer, exact=True).check()
    form.get_by_label("评语").fill("很有耐心。")
    form.get_by_role("button", name="保存").click()
    expect(console.get_by_test_id("given-score")).to_contain_text("lead")

    expect(desk.get_by_test_id("notice")).to_contain_text("新的质检评分")
    desk.get_by_test_id("scores").get_by_role("button").first.click()
    detail = desk.get_by_test_id("score-detail")
    expect(detail).to_contain_text("4 / 5")
    expect(desk.get_by_test_id("score-comment")).to_have_text("很有耐心。")
    detail.get_by_test_id("hear-score").click()
    _plays(desk)
    detail.get_by_label("回复（只能回复一次）").fill("谢谢，我会注意。")
    detail.get_by_role("button", name="提交回复").click()
    expect(desk.get_by_test_id("score-reply")).to_contain_text("谢谢，我会注意。")
    expect(desk.get_by_test_id("scores")).to_contain_text("已回复")
    expect(desk.get_by_test_id("score-reply-form")).to_have_count(0)

    row.get_by_test_id("play").click()
    given = console.get_by_test_id("given-score")
    expect(given).to_contain_text("坐席已回复")
    given.get_by_role("button").click()
    expect(given.get_by_test_id("score-reply")).to_contain_text("谢谢，我会注意。")


def test_an_agent_hears_an_own_call(scene: Scene, page: Page) -> None:
    scene.site.run(_recorded(scene))
    scene.sit_down(page)
    page.get_by_test_id("hear").click()
    _plays(page)
    page.get_by_test_id("hear").click()
    expect(page.get_by_test_id("player")).to_have_count(0)
