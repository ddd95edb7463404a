"""Chinese surnames that are read otherwise than the same character elsewhere: 单医生 is Shan, not dan.

Speech engines read by character, so the surname is replaced by a homophone that has one reading only. It is done
where a title follows, after at most two characters of a given name, and nothing shows that it is another word.
Source of the readings: 现代汉语词典, entries marked 姓; where it gives two, the commoner one.
"""

import re
from collections.abc import Mapping

HOMOPHONES: Mapping[str, tuple[str, str]] = {
    "单": ("shan4", "善"),
    "仇": ("qiu2", "求"),
    "曾": ("zeng1", "增"),
    "解": ("xie4", "谢"),
    "任": ("ren2", "人"),
    "查": ("zha1", "渣"),
    "区": ("ou1", "欧"),
    "朴": ("piao2", "瓢"),
    "盖": ("ge3", "舸"),
    "葛": ("ge3", "舸"),
    "华": ("hua4", "画"),
    "乐": ("yue4", "岳"),
    "翟": ("zhai2", "宅"),
    "覃": ("qin2", "秦"),
    "缪": ("miao4", "妙"),
    "冼": ("xian3", "险"),
    "员": ("yun4", "运"),
    "黑": ("he4", "贺"),
    "秘": ("bi4", "必"),
    "繁": ("po2", "婆"),
    "种": ("chong2", "虫"),
    "折": ("she2", "蛇"),
    "召": ("shao4", "绍"),
    "燕": ("yan1", "烟"),
    "应": ("ying1", "英"),
    "宁": ("ning4", "泞"),
    "过": ("guo1", "郭"),
    "薄": ("bo2", "博"),
    "卜": ("bu3", "补"),
    "柏": ("bai3", "百"),
    "阚": ("kan4", "瞰"),
    "訾": ("zi1", "资"),
    "谌": ("chen2", "陈"),
    "祭": ("zhai4", "债"),
    "纪": ("ji3", "己"),
    "尉迟": ("yu4 chi2", "玉迟"),
    "万俟": ("mo4 qi2", "末齐"),
    "单于": ("chan2 yu2", "缠于"),
    "澹台": ("tan2 tai2", "谈台"),
    "长孙": ("zhang3 sun1", "掌孙"),
}
"""Surname to its reading and the characters that are always read so."""

TITLES = (
    "主任医师", "副主任医师", "主治医师", "住院医师", "副主任", "副教授", "副院长", "护士长", "医生", "医师", "大夫",
    "主任", "教授", "院长", "专家", "护士", "老师", "女士", "先生", "小姐", "同志",
)  # fmt: skip

# The character before shows that it is part of another word: 简单, 责任, 病区, 检查.
_NOT_AFTER: Mapping[str, str] = {
    "单": "简菜名账订清床传保工表",
    "曾": "不未",
    "解": "了理调缓溶分讲",
    "任": "责担现前继班主信胜离聘历",
    "查": "检调核抽复普筛探排审",
    "区": "病地小社院城校市郊分灾",
    "华": "中新才年精",
    "乐": "快音欢娱康",
    "盖": "覆膝掩",
    "员": "全人医病职官会成教学演船",
    "应": "反供响对效",
    "过": "不经通超难",
    "纪": "世年",
    "种": "品各一这几接",
    "黑": "漆",
}
# The characters after show it: 任何医生, 查房医生, 解放军医生.
_NOT_BEFORE: Mapping[str, str] = {
    "单": "独位纯病个间人身",
    "曾": "经任是在",
    "解": "放剖决除释答热痛",
    "任": "何职意期务命免教课用",
    "查": "房体询看验对血",
    "区": "域内级别分",
    "华": "东南北中西侨人",
    "乐": "观意于器队",
    "盖": "章上好",
    "朴": "实素",
    "仇": "恨人敌",
    "员": "工",
    "应": "急该届聘届邀诊",
    "过": "敏去程来渡",
    "纪": "检委念",
    "种": "植类子痘牙",
    "黑": "色",
    "折": "叠",
    "召": "集",
    "宁": "静",
    "繁": "忙",
    "秘": "书",
    "薄": "弱",
}

_NAMED = re.compile(
    f"(?P<surname>{'|'.join(sorted(HOMOPHONES, key=len, reverse=True))})"
    f"(?P<given>[\\u4e00-\\u9fff]{{0,2}}?)(?P<title>{'|'.join(TITLES)})"
)
# Before a full name: nothing, no Chinese character, or a word that leads to a name. 病房查房医生 has no name in it.
_LEADS_TO_NAME = re.compile(r"(?:^|[^\u4e00-\u9fff]|[找是由为请问和与及或到约给对])$")


def read_surnames(text: str) -> str:
    """``text`` with the surnames before a title written as they sound: 单医生 becomes 善医生."""
    said, position = "", 0
    while found := _NAMED.search(text, position):
        if _is_name(text, found):
            said += text[position : found.start()] + HOMOPHONES[found["surname"]][1]
            position = found.end("surname")
        else:
            said += text[position : found.start() + 1]
            position = found.start() + 1  # 班主任任主任: the next character may be the surname
    return said + text[position:]


def _is_name(text: str, found: re.Match[str]) -> bool:
    surname, given, before = found["surname"], found["given"], text[: found.start()]
    if before and before[-1] in _NOT_AFTER.get(surname, ""):
        return False
    return not given or (given[0] not in _NOT_BEFORE.get(surname, "") and _LEADS_TO_NAME.search(before) is not None)
