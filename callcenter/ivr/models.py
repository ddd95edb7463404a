"""Revisions of call flows: a call that is parked goes on with the flow it began with, in any ivr process."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base


class FlowRevision(Base):
    """``content``: the YAML of the flow and of all it goes to, as :func:`callcenter.ivr.checks.bundle` writes it."""

    __tablename__ = "flow_revisions"

    flow: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[str]
    first_seen_at: Mapped[datetime]
