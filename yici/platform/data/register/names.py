"""Given names by generation, and the mistakes made in writing them. Real characters, invented people. Pure."""

from __future__ import annotations

from random import Random

# (first birth year, first characters, second characters, share of one-character given names)
_MALE = (
    (1900, "国文广振学传德金玉光永长克怀子心敬朝家明", "才山林田亭德明义礼仁堂臣良贤荣华奎彬岭山", 0.06),
    (1950, "建国卫爱新保红援学解永志家文广振东明", "国军民华党平生义林山海峰强才友成田明", 0.08),
    (1966, "卫红文建永志学爱东军利新春海跃立", "东军革兵民国华平强林峰涛明辉刚友", 0.18),
    (1978, "建海志文永俊春晓洪国振亚", "军伟强勇峰涛刚辉杰飞鹏超波明亮", 0.45),
    (1990, "子晓志文俊少海浩天家明宇", "豪杰鹏飞龙宇浩凯鑫磊涛阳帅轩晨", 0.35),
    (2003, "子浩宇俊梓家文嘉明天奕博思", "轩涵宇豪然泽睿杰辰阳博航霖瑞晨", 0.10),
    (2014, "沐梓奕宇浩一子嘉俊景煜承", "宸泽辰轩然阳睿霖安铭恒航城珩言", 0.05),
)
_FEMALE = (
    (1900, "秀桂玉兰凤素翠金月荣美淑", "英兰珍荣芳云莲美侠华芝娥梅花枝", 0.04),
    (1950, "秀桂玉凤素翠金月爱美淑红", "英兰芳侠荣云梅华珍霞莲花勤玲", 0.05),
    (1966, "红玉秀春爱美丽艳素翠金彩", "梅侠英芳霞玲云丽红华芹莲霜", 0.15),
    (1978, "晓海春丽红艳小亚文雪", "丽娟红敏艳燕侠静霞玲梅芳云娜", 0.38),
    (1990, "晓婷雨雪梦思文佳静亚海", "婷雪敏静娜倩颖慧丽莹梦琪洁悦", 0.30),
    (2003, "雨梦思梓欣诗可语佳若子", "涵萱怡琪彤欣悦妍婷瑶菲雯珊", 0.06),
    (2014, "梓一诺雨沐语若可依芷奕", "涵诺萱汐妍彤瑶琪一可宁晴伊", 0.04),
)
_SINGLE_MALE = "伟强勇军涛磊鹏超波飞杰刚辉亮峰斌浩凯帅阳旭宇轩晨鑫"
_SINGLE_FEMALE = "丽娟敏静艳燕霞芳玲红倩娜婷颖慧莹雪洁悦琪萱"

# Same sound, other character: the mistake a clerk makes who writes a name by ear.
HOMOPHONES = {
    "英": "瑛", "芳": "方", "华": "花", "花": "华", "云": "芸", "兰": "岚", "珍": "真", "荣": "容", "侠": "霞", "霞": "侠",
    "军": "君", "建": "健", "伟": "炜", "勇": "永", "永": "勇", "峰": "锋", "涛": "滔", "刚": "钢",
    "辉": "晖", "杰": "洁", "洁": "杰", "明": "铭", "林": "琳", "平": "萍", "志": "智", "文": "雯", "静": "婧", "丽": "莉",
    "娟": "涓", "燕": "艳", "艳": "燕", "玲": "铃", "梅": "枚", "晨": "辰", "辰": "晨", "宇": "羽", "浩": "皓", "轩": "萱",
    "涵": "函", "怡": "宜", "欣": "新", "新": "欣", "红": "宏", "玉": "钰", "秀": "绣", "学": "雪", "雪": "学",
}  # fmt: skip


def given_name(random: Random, sex: str, birth_year: int) -> str:
    """A given name of that generation; `sex` 1 or 2."""
    table = _MALE if sex == "1" else _FEMALE
    for since, first, second, single in reversed(table):  # noqa: B007 - the last row that fits is used below
        if birth_year >= since:
            break
    if random.random() < single:
        return random.choice(_SINGLE_MALE if sex == "1" else _SINGLE_FEMALE)
    one, two = random.choice(first), random.choice(second)
    return one + two if one != two else one + random.choice(second)


def misheard(name: str) -> str:
    """The name with one character replaced by a homophone; unchanged where none is known."""
    for place in range(len(name) - 1, 0, -1):
        if other := HOMOPHONES.get(name[place]):
            return name[:place] + other + name[place + 1 :]
    return name
