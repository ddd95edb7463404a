"""Step types: one a file; :data:`STEP_TYPES` is all that a flow may use."""

from collections.abc import Mapping
from types import MappingProxyType

from callcenter.ivr.steps.appointment import Appointment
from callcenter.ivr.steps.article_by_number import ArticleByNumber
from callcenter.ivr.steps.article_list import ArticleList
from callcenter.ivr.steps.base import Step
from callcenter.ivr.steps.birth_date import BirthDate
from callcenter.ivr.steps.callback import Callback
from callcenter.ivr.steps.card import Card
from callcenter.ivr.steps.check_code import CheckCode
from callcenter.ivr.steps.complaint import Complaint
from callcenter.ivr.steps.conclude import Conclude
from callcenter.ivr.steps.emergency import Emergency
from callcenter.ivr.steps.goto_flow import GotoFlow
from callcenter.ivr.steps.hangup import Hangup
from callcenter.ivr.steps.language import Language
from callcenter.ivr.steps.leave_message import LeaveMessage
from callcenter.ivr.steps.menu import Menu
from callcenter.ivr.steps.opening_hours import OpeningHours
from callcenter.ivr.steps.question import Question
from callcenter.ivr.steps.queue import Queue
from callcenter.ivr.steps.rating import Rating
from callcenter.ivr.steps.recognise import Recognise
from callcenter.ivr.steps.record import Record
from callcenter.ivr.steps.remark import Remark
from callcenter.ivr.steps.say import Say
from callcenter.ivr.steps.tell import Tell

STEP_TYPES: Mapping[str, type[Step]] = MappingProxyType(
    {
        step_type.kind: step_type
        for step_type in (
            Say,
            Menu,
            Recognise,
            CheckCode,
            Card,
            Language,
            Record,
            Complaint,
            LeaveMessage,
            Rating,
            Remark,
            Emergency,
            OpeningHours,
            Queue,
            Callback,
            Hangup,
            GotoFlow,
            ArticleByNumber,
            ArticleList,
            Tell,
            Conclude,
            Appointment,
            Question,
            BirthDate,
        )
    }
)
