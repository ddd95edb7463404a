"""Errors of alarm rules."""

from callcenter.core.errors import Conflict, InvalidInput, NotFound


class AlarmRuleNotFound(NotFound):
    code = "alarm-rule-not-found"
    title_en, title_zh = "There is no such alarm rule.", "未找到该告警规则。"


class AlarmRuleShipped(Conflict):
    code = "alarm-rule-shipped"
    title_en = "This rule comes with the service: switch it off instead."
    title_zh = "该规则为系统自带规则，可停用，不可删除。"


class AlarmRuleInvalid(InvalidInput):
    code = "alarm-rule-invalid"
    title_en, title_zh = "The alarm rule contradicts itself.", "告警规则的设置前后矛盾。"


class AlarmRuleNames(InvalidInput):
    code = "alarm-rule-names-nobody"
    title_en = "The alarm rule names a queue, kind or user that does not exist."
    title_zh = "告警规则中的队列、告警类型或用户不存在。"


class MailNotSetUp(InvalidInput):
    code = "mail-not-set-up"
    title_en, title_zh = "No mail server is set: nobody can be told by mail.", "尚未配置邮件服务器，无法以邮件通知。"
