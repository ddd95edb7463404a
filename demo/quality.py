"""What the sample hospital records, and the sheet by which its conversations are scored."""

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.audit import SYSTEM
from callcenter.quality import service as quality
from callcenter.quality.sheets import AnswerKind, Question, Section, Sheet
from callcenter.queues.recording_policies import RecordingMode, put_policy

SHEET = Sheet(
    label_zh="通话服务质量",
    label_en="Quality of a conversation",
    sections=[
        Section(
            label_zh="开场与核对",
            label_en="Opening",
            questions=[
                Question(
                    key="greeting",
                    text_zh="使用标准问候语，报出工号",
                    text_en="Greets as agreed, says the number",
                    kind=AnswerKind.YES_NO,
                ),
                Question(
                    key="identity",
                    text_zh="透露就诊信息前核对身份",
                    text_en="Verifies who calls before telling anything of a visit",
                    kind=AnswerKind.YES_NO,
                    weight=3,
                    fatal=True,
                ),
            ],
        ),
        Section(
            label_zh="沟通与解决",
            label_en="The matter itself",
            questions=[
                Question(
                    key="patience",
                    text_zh="耐心倾听，语气平和",
                    text_en="Listens, stays calm",
                    kind=AnswerKind.SCALE,
                    weight=2,
                ),
                Question(
                    key="answer",
                    text_zh="答复准确完整",
                    text_en="The answer is right and complete",
                    kind=AnswerKind.SCALE,
                    weight=3,
                ),
            ],
        ),
    ],
)


async def load(session: AsyncSession) -> None:
    """After the hospital. Without a notice: the callers of the story are timed to the second."""
    await put_policy(session, "consultation", {"mode": RecordingMode.ALL, "notice": False}, changed_by=SYSTEM.name)
    await quality.put_sheet(session, SYSTEM, "conversation", SHEET)
