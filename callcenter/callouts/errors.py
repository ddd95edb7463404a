"""Errors of calls out."""

from callcenter.core.errors import NotFound


class PrefixNotFound(NotFound):
    code = "prefix-not-found"
    title_en, title_zh = "There is no rule for this prefix.", "没有针对该号码前缀的规则。"
