"""How figures and names are read aloud, in both languages."""

import re
from pathlib import Path

import pypinyin
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.ivr.prompts import load_prompts
from callcenter.speech import numbers_zh, spoken_en
from callcenter.speech.names_zh import HOMOPHONES, TITLES, read_surnames
from callcenter.speech.spoken_forms import spoken_form

CHINESE = """
人工服务，请按2。 | 人工服务，请按二。
返回请按0 | 返回请按零
1204 | 一千二百零四
-5 | 负五
1,204人 | 一千二百零四人
第2位 | 第二位
2个 | 两个
22个 | 二十二个
2.5个 | 二点五个
2楼 | 二楼
2万元 | 两万元
3-5天 | 三到五天
2-3天 | 两到三天
5~7个工作日 | 五到七个工作日
0-14岁 | 零到十四岁
1/2 | 二分之一
012 | 零一二
COVID-19 | COVID-十九
３个，１２：３０ | 三个，十二点三十分
¥1,204.50 | 一千二百零四元五角
￥2 | 两元
共2元 | 共两元
3.08元 | 三元零八分
¥0.05 | 五分
¥0 | 零元
挂号费50.00元 | 挂号费五十元
¥3.5万 | 三点五万元
10-20元 | 十到二十元
500000元 | 五十万元
2026-11-21 | 二零二六年十一月二十一日
2026/1/5 | 二零二六年一月五日
2026年11月21日 | 二零二六年十一月二十一日
2025年 | 二零二五年
11月2日 | 十一月二日
2026-13-41 | 两千零二十六-十三到四十一
门诊时间8:00-17:30 | 门诊时间八点到十七点三十分
14:05 | 十四点零五分
2:00 | 两点
15:30:00 | 十五点三十分
2小时 | 两小时
24小时 | 二十四小时
12.5% | 百分之十二点五
10%-20% | 百分之十到百分之二十
3‰ | 千分之三
电话0571-88889999 | 电话零五七幺，八八八八九九九九
13800138000 | 幺三八零零幺三八零零零
138 0013 8000 | 幺三八，零零幺三，八零零零
400-800-1234 | 四零零，八零零，幺二三四
请拨打120 | 请拨打幺二零
120急救 | 幺二零急救
110例 | 一百一十例
分机8001 | 分机八零零幺
卡号：1234 5678 | 卡号：一二三四五六七八
校验码是0123 | 校验码是零一二三
1234567890123456 | 一二三四五六七八九零一二三四五六
302室 | 三零二室
3号楼2层201室 | 三号楼二层二零一室
体温38.5℃ | 体温三十八点五摄氏度
血压120mmHg | 血压一百二十毫米汞柱
血糖6.1mmol/L | 血糖六点一毫摩尔每升
2mg | 两毫克
服用2片，每日3次 | 服用两片，每日三次
请按# | 请按井号键
按*键 | 按星号键
您好 | 您好
单医生在2号诊室 | 善医生在二号诊室
"""

ENGLISH = """
press 2. | press two.
1204 | one thousand two hundred four
1,000,000 | one million
-5 | minus five
110 | one hundred ten
the 21st of May | the twenty-first of May
the 12th | the twelfth
30th | thirtieth
3-5 days | three to five days
12-month | twelve-month
¥1,204.50 | one thousand two hundred four point five zero yuan
RMB 50.00 | fifty yuan
2026-11-21 | November twenty-first, twenty twenty-six
2005-01-03 | January third, two thousand five
8:00-17:30 | eight a.m. to five thirty p.m.
14:05 | two oh five p.m.
8:00 a.m. | eight a.m.
12:00 pm | twelve p.m.
12:00 | noon
0:00 | midnight
12.5% | twelve point five percent
10%-20% | ten to twenty percent
call 120 | call one two zero
0571-88889999 | zero five seven one, eight eight eight eight nine nine nine nine
13800138000 | one three eight zero zero one three eight zero zero zero
card 123456 | card one two three four five six
room 302 | room three zero two
1 kg | one kilogram
2 mg | two milligrams
37.5 °C | thirty-seven point five degrees Celsius
press # | press the pound key
Goodbye. | Goodbye.
"""


def table(text: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for line in text.strip().splitlines() if (row := line.split(" | "))]


@pytest.mark.parametrize(("written", "said"), table(CHINESE))
def test_chinese(written: str, said: str) -> None:
    assert spoken_form(written, "zh") == said


@pytest.mark.parametrize(("written", "said"), table(ENGLISH))
def test_english(written: str, said: str) -> None:
    assert spoken_form(written, "en") == said


# -- numbers of any size

ZH_VALUE = {digit: value for value, digit in enumerate(numbers_zh.DIGITS)} | {"两": 2}
ZH_UNIT = {"十": 10, "百": 100, "千": 1000}


def value_of(said: str) -> int:
    """The number that a Chinese speaker hears."""
    total = group = digit = 0
    for character in said:
        if character in ZH_VALUE:
            digit = ZH_VALUE[character]
        elif character in ZH_UNIT:
            group, digit = group + (digit or 1) * ZH_UNIT[character], 0
        else:
            total, group, digit = total + (group + digit) * {"万": 10**4, "亿": 10**8}[character], 0, 0
    return total + group + digit


@given(st.integers(0, 10**numbers_zh.LONGEST - 1))
def test_every_chinese_number_is_heard_as_it_was_written(value: int) -> None:
    assert value_of(numbers_zh.number(str(value))) == value


EN_VALUE = {word: value for value, word in enumerate(spoken_en.SMALL)}
EN_VALUE |= {word: value * 10 for value, word in enumerate(spoken_en.TENS) if value}


@given(st.integers(0, 10**spoken_en.LONGEST - 1))
def test_every_english_number_is_heard_as_it_was_written(value: int) -> None:
    total = group = 0
    for word in spoken_en.number(str(value)).replace("-", " ").split():
        if word == "hundred":
            group *= 100
        elif word in ("thousand", "million", "billion"):
            total, group = total + group * {"thousand": 10**3, "million": 10**6, "billion": 10**9}[word], 0
        else:
            group += EN_VALUE[word]
    assert total + group == value


@given(
    st.text(st.sampled_from("0123456789.,:-/%¥￥０５～单曾查任医生主任电话卡号室元个年月日 abK#*第2℃mg"), max_size=30)
)
def test_no_text_breaks_it_and_no_figure_is_left(text: str) -> None:
    for said in (spoken_form(text, "zh"), spoken_form(text, "en")):
        assert not re.search(r"[0-9]", said)


@given(st.text(max_size=60))
def test_no_text_at_all_breaks_it(text: str) -> None:
    spoken_form(text, "zh")
    spoken_form(text, "en")


def test_long_texts_are_read_in_time() -> None:
    for text in ("1" * 2000, "1-" * 1000, "单" * 2000, "1," * 1000, "¥1.5-" * 400, "卡号 " * 600, "12:00-" * 300):
        spoken_form(text, "zh")
        spoken_form(text, "en")


def test_shipped_prompts_are_read_without_a_figure() -> None:
    for prompt in load_prompts(Path(__file__).parents[3] / "prompts"):
        for language, text in prompt.texts.items():
            assert not re.search(r"[0-9#*]", spoken_form(text, language)), text


# -- names


@pytest.mark.parametrize(("written", "said"), [
    ("单医生", "善医生"),
    ("请找单雪医生。", "请找善雪医生。"),
    ("心内科单主任", "心内科善主任"),
    ("张伟和仇建国教授", "张伟和求建国教授"),
    ("尉迟主任", "玉迟主任"),
    ("曾女士，您好", "增女士，您好"),
    ("班主任任主任", "班主任人主任"),
    ("解先生、查医生、区大夫、乐护士长", "谢先生、渣医生、欧大夫、岳护士长"),
])  # fmt: skip
def test_surname_before_a_title_has_its_own_reading(written: str, said: str) -> None:
    assert read_surnames(written) == said


@pytest.mark.parametrize("text", [
    "简单先生", "检查医生", "查房医生", "任何医生", "任课教授", "病区主任", "社区医生", "责任护士", "解放军专家",
    "解剖教授", "过敏专家", "应急专家", "不过先生", "任务", "曾经", "单位", "音乐老师", "全员医生", "华东专家",
])  # fmt: skip
def test_other_words_keep_their_reading(text: str) -> None:
    assert read_surnames(text) == text


@pytest.mark.parametrize("surname", HOMOPHONES)
def test_homophones_are_read_only_so(surname: str) -> None:
    reading, homophone = HOMOPHONES[surname]
    for title in TITLES:
        read = pypinyin.lazy_pinyin(read_surnames(surname + title), style=pypinyin.Style.TONE3)
        assert read[: len(surname)] == reading.split(), homophone
