"""HTTP of what may be dialled: seen by supervisors, changed by administrators."""

from typing import Annotated

from fastapi import APIRouter, Depends

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.callouts import queries, service
from callcenter.callouts.policy import PrefixRule
from callcenter.callouts.schemas import LimitsBody, Prefix, PrefixBody, PrefixResponse
from callcenter.core.cursors import a_text, sort_key
from callcenter.core.http import DbSession, Page, Paging, cut_page
from callcenter.core.problems import problem_responses

router = APIRouter(tags=["callouts"], responses=problem_responses(401, 403))

Lead = Annotated[Access, Depends(require(Role.SUPERVISOR))]
Admin = Annotated[Access, Depends(require(Role.ADMIN))]


@router.get("/call-outs/limits")
async def get_call_out_limits(_access: Lead, session: DbSession) -> LimitsBody:
    """How often may be dialled on one day."""
    return LimitsBody.model_validate(await service.get_limits(session))


@router.put("/call-outs/limits")
async def put_call_out_limits(body: LimitsBody, access: Admin, session: DbSession) -> LimitsBody:
    """Change it, from the next dial on."""
    await service.put_limits(session, access.actor, body.limits())
    return body


@router.get("/call-outs/prefixes")
async def list_call_out_prefixes(_access: Lead, session: DbSession, paging: Paging) -> Page[PrefixResponse]:
    """What is allowed or forbidden beyond the rule: mobile and landline numbers of this country, nothing else."""
    rows = await queries.list_prefixes(session, after=sort_key(paging.after, a_text), limit=paging.limit)
    page, next_cursor = cut_page(rows, paging.limit, lambda rule: (rule.prefix,))
    return Page(items=[PrefixResponse.model_validate(rule) for rule in page], next_cursor=next_cursor)


@router.put("/call-outs/prefixes/{prefix}")
async def put_call_out_prefix(prefix: Prefix, body: PrefixBody, access: Admin, session: DbSession) -> PrefixResponse:
    """Allow or forbid the numbers that begin so, from the next dial on."""
    rule = await service.put_prefix(session, access.actor, PrefixRule(prefix, body.allowed), body.note)
    return PrefixResponse.model_validate(rule)


@router.delete("/call-outs/prefixes/{prefix}", status_code=204, responses=problem_responses(404))
async def remove_call_out_prefix(prefix: Prefix, access: Admin, session: DbSession) -> None:
    """The rule is gone; a shorter one counts, or none."""
    await service.remove_prefix(session, access.actor, prefix)
