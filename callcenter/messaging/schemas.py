"""Shapes of what gateways report."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from callcenter.core.http import ApiModel
from callcenter.messaging.models import Report


class SmsReportBody(ApiModel):
    """``status``: of the telephone, after the gateway had taken the message."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "pbx1.4711", "status": "delivered"}]})
    id: Annotated[str, StringConstraints(min_length=1, max_length=80)] = Field(description="As the message came.")
    status: Report
