"""How a Chinese text is read aloud: what is written in figures becomes characters, names get their reading."""

import re
from collections.abc import Callable

from callcenter.speech.names_zh import read_surnames
from callcenter.speech.numbers_zh import decimal, digit_by_digit, number

_FULL_WIDTH = str.maketrans("０１２３４５６７８９．：％￥－～＋／", "0123456789.:%¥-~+/")
_IN_FIGURES = re.compile(r"(?<=\d)[．：％－～／](?=[\d\s]|$)|[０-９％￥]|(?<=[０-９])[．：－～／](?=[０-９])")

_RANGE = r"\s*[-~–—至]\s*"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"

_UNITS = {
    "mmol/L": "毫摩尔每升",
    "μmol/L": "微摩尔每升",
    "umol/L": "微摩尔每升",
    "mg/dL": "毫克每分升",
    "g/L": "克每升",
    "mg/L": "毫克每升",
    "mg/kg": "毫克每千克",
    "kg/m²": "千克每平方米",
    "mmHg": "毫米汞柱",
    "次/分": "次每分",
    "元/次": "元每次",
    "元/天": "元每天",
    "μg": "微克",
    "mcg": "微克",
    "mg": "毫克",
    "kg": "公斤",
    "ml": "毫升",
    "mL": "毫升",
    "ML": "毫升",
    "mm": "毫米",
    "cm": "厘米",
    "km": "公里",
    "IU": "国际单位",
    "℃": "摄氏度",
    "°C": "摄氏度",
    "min": "分钟",
    "g": "克",
    "L": "升",
    "l": "升",
    "m": "米",
    "h": "小时",
}
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))

# 两 before these, 二 before others: 两个, 两天, but 二楼, 二号, 二月 (现代汉语八百词).
_MEASURES = (
    "个|位|次|天|周|年(?!级)|名|种|张|盒|片|粒|瓶|支|针|项|条|家|辆|小时|分钟|秒|元|块|岁|人|米|千克|公斤|公里|克(?!拉)|升|袋|包|份|"
    "万|亿|千|间|本|样|遍|趟|台|套|点(?!\\d)|星期|多|倍|厘米|毫克|毫升|毫米|微克|国际单位|摄氏度|角|分(?!之)"
)

_TELEPHONE_WORD = "电话|热线|拨打|致电|手机|传真|总机|分机|座机|拨|转|打"
_HOTLINE_WORD = "急救|报警|火警|热线|电话|查询|服务|客服"
_CODE_WORD = "卡号|编号|工号|号码|证号|院号|诊号|单号|校验码|验证码"
_ROOM_WORD = "室|房|诊室|病房|病室|号房|号诊室|房间"

_HOTLINES = "110|112|114|119|120|122|12110|12306|12315|12320|12333|12345|12356|12393|95\\d{3}|100\\d{2}|400\\d{7}"


def spoken_zh(text: str) -> str:
    """``text`` without figures. What is not understood is read as a plain number, never left out."""
    said = _IN_FIGURES.sub(lambda found: found.group().translate(_FULL_WIDTH), text)
    for pattern, words in _READINGS:
        said = pattern.sub(words, said)
    return read_surnames(said)


# -- each kind of figure


def _telephone(found: re.Match[str]) -> str:
    groups = re.findall(r"\d+", found["digits"])
    return (found["word"] or "") + "，".join(digit_by_digit(group, "幺") for group in groups)


def _labelled(found: re.Match[str]) -> str:
    return found["word"] + digit_by_digit(found["digits"].replace(" ", ""))


def _code(found: re.Match[str]) -> str:
    return digit_by_digit(found.group().replace(" ", ""))


def _date(found: re.Match[str]) -> str:
    month, day = int(found["month"]), int(found["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return found.group()
    return f"{digit_by_digit(found['year'])}年{number(str(month))}月{number(str(day))}日"


def _clock(hour: str, minute: str) -> str:
    """14:05 is 十四点零五分, 8:00 is 八点, 2:00 is 两点."""
    said = "两点" if int(hour) == 2 else f"{number(hour)}点"
    if int(minute) == 0:
        return said
    return f"{said}{'零' if int(minute) < 10 else ''}{number(minute)}分"


def _time(found: re.Match[str]) -> str:
    said = _clock(found["hour"], found["minute"])
    return f"{said}到{_clock(found['to_hour'], found['to_minute'])}" if found["to_hour"] else said


def _money(found: re.Match[str]) -> str:
    """¥1,204.50 is 一千二百零四元五角; with three and more decimals, or a 万 behind, it is a plain number."""
    amount, large = found["amount"].replace(",", ""), found["large"] or ""
    whole, _, fraction = amount.partition(".")
    if large or len(fraction) > 2:
        return f"{_counted(amount)}{large}元"
    jiao, fen = fraction.ljust(2, "0")[0], fraction.ljust(2, "0")[1]
    yuan = f"{_counted(whole)}元" if int(whole) or (jiao, fen) == ("0", "0") else ""
    if (jiao, fen) == ("0", "0"):
        return yuan
    tens = f"{digit_by_digit(jiao)}角" if jiao != "0" else "零" if yuan else ""
    return yuan + tens + (f"{digit_by_digit(fen)}分" if fen != "0" else "")


def _percent(found: re.Match[str]) -> str:
    base = "百分之" if found["sign"] == "%" else "千分之"
    said = base + decimal(found["from"])
    return f"{said}到{base}{decimal(found['to'])}" if found["to"] else said


def _range(found: re.Match[str]) -> str:
    return f"{_counted(found['from'])}到{found['to']}"


def _unit(found: re.Match[str]) -> str:
    return f"{_counted(found['amount'])}{_UNITS[found['unit']]}"


def _fraction(found: re.Match[str]) -> str:
    return f"{number(found['whole'])}分之{number(found['part'])}"


def _measure(_found: re.Match[str]) -> str:
    return "两"


def _plain(found: re.Match[str]) -> str:
    return decimal(found.group())


def _counted(amount: str) -> str:
    return "两" if amount == "2" else decimal(amount)


_Words = Callable[[re.Match[str]], str]
_READINGS: list[tuple[re.Pattern[str], _Words]] = [
    (re.compile(r"(?<![\d.])(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})[日号]?(?![\d.])"), _date),
    (re.compile(r"(?<!\d)[12]\d{3}(?=年(?!级))"), _code),
    (
        re.compile(
            rf"(?<![\d:])(?P<hour>[01]?\d|2[0-4])[:](?P<minute>[0-5]\d)(?::00)?"
            rf"(?:{_RANGE}(?P<to_hour>[01]?\d|2[0-4])[:](?P<to_minute>[0-5]\d)(?::00)?)?(?![\d:])"
        ),
        _time,
    ),
    (re.compile(rf"¥\s*(?P<amount>{_NUMBER})(?P<large>万|亿)?元?"), _money),
    (re.compile(r"(?<![\d.])(?P<amount>\d[\d,]*\.\d{1,2})(?P<large>)元(?!/)"), _money),
    (re.compile(rf"(?P<from>{_NUMBER})%?(?:{_RANGE}(?P<to>{_NUMBER}))?(?P<sign>[%‰])"), _percent),
    (
        re.compile(
            rf"(?P<word>(?:{_TELEPHONE_WORD})(?:号码)?[：:是为 ]{{0,2}})(?P<digits>\d{{3,}}(?:[- ]\d{{3,}}){{0,3}})"
        ),
        _telephone,
    ),
    (
        re.compile(
            r"(?<![\d.])(?P<word>)(?P<digits>(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}"
            r"|0\d{2,3}[- ]\d{7,8}|[48]00[- ]\d{3}[- ]\d{4}"
            rf"|(?:{_HOTLINES})(?=(?:{_HOTLINE_WORD})))(?![\d.,%])"
        ),
        _telephone,
    ),
    (re.compile(rf"(?P<word>(?:{_CODE_WORD})[：:是为 ]{{0,2}})(?P<digits>\d+(?: \d+)*)"), _labelled),
    (re.compile(rf"(?<![\d.])\d{{3,4}}(?={_ROOM_WORD})"), _code),
    (re.compile(r"(?<![\d.,])(?:0\d+|\d{9,})(?![\d.,])"), _code),
    (re.compile(rf"(?<![\d.])(?P<from>{_NUMBER}){_RANGE}(?P<to>(?:{_NUMBER})(?![\d-]))"), _range),
    (re.compile(rf"(?<![\d.])(?P<amount>{_NUMBER})\s*(?P<unit>{_UNIT})(?![A-Za-z/])"), _unit),
    (re.compile(rf"(?<![\d.,第])2(?=(?:{_MEASURES}))(?!\d)"), _measure),
    (re.compile(r"(?<![\d./])(?P<part>\d{1,2})/(?P<whole>\d{1,2})(?![\d./])"), _fraction),
    (re.compile(r"第\s*\d+"), lambda found: "第" + number(found.group().lstrip("第 "))),
    (re.compile(rf"(?<![\w.)）-])-(?:{_NUMBER})|{_NUMBER}"), _plain),
    (re.compile(r"#号?键?"), lambda _found: "井号键"),
    (re.compile(r"\*号?键"), lambda _found: "星号键"),
]
