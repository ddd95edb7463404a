"""HTTP of recording policies: which conversations of a queue are recorded."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import ConfigDict, Field

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.core.audit import record_audit
from callcenter.core.http import ApiModel, DbSession
from callcenter.core.problems import problem_responses
from callcenter.queues import recording_policies
from callcenter.queues.recording_policies import RecordingMode
from callcenter.queues.schemas import QueueName

router = APIRouter(tags=["recordings"], responses=problem_responses(401, 403, 404))

Reader = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.QUALITY))]
Admin = Annotated[Access, Depends(require(Role.ADMIN))]
Name = Annotated[QueueName, Path(examples=["consultation"])]


class RecordingPolicyPut(ApiModel):
    """Effective on the next call that enters the queue."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"mode": "share", "share_percent": 20, "retention_days": 90, "notice": True}]}
    )
    mode: RecordingMode = Field(description="`share`: so many calls in a hundred, drawn by the call's id.")
    share_percent: Annotated[int, Field(ge=0, le=100)] = Field(default=100, description="For `share`.")
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = Field(
        default=None, description="How long recordings are kept; null: as the installation's setting says."
    )
    notice: bool = Field(default=True, description="Callers hear before they wait that they are recorded.")


class RecordingPolicyResponse(RecordingPolicyPut):
    model_config = ConfigDict(from_attributes=True)
    queue_name: str = Field(examples=["consultation"])
    changed_at: datetime | None = Field(description="Null: it was never set; nothing is recorded.")
    changed_by: str | None


@router.get("/queues/{name}/recording-policy")
async def get_recording_policy(name: Name, _access: Reader, session: DbSession) -> RecordingPolicyResponse:
    """Which conversations of the queue are recorded; without a policy none."""
    return RecordingPolicyResponse.model_validate(await recording_policies.get_policy(session, name))


@router.put("/queues/{name}/recording-policy")
async def put_recording_policy(
    name: Name, body: RecordingPolicyPut, access: Admin, session: DbSession
) -> RecordingPolicyResponse:
    """Set which conversations of the queue are recorded, how long that is kept and whether callers are told."""
    policy = await recording_policies.put_policy(session, name, body.model_dump(), changed_by=access.actor.name)
    record_audit(session, access.actor, "recording_policies.put", subject_id=name, **body.model_dump(mode="json"))
    return RecordingPolicyResponse.model_validate(policy)
