"""The identity card (GA 448: front and back) and the page of a person in the household register (公安部 1995)."""

from __future__ import annotations

import re

from yici.platform.trust.papers.layouts.anchors import FieldRule, Layout

ID_NUMBER = re.compile(r"[0-9OIl]{17}[0-9OIlXx]")

FRONT = Layout(
    kind="id_card",
    title="居民身份证（人像面）",
    certificate="resident_id_card",
    marks=("公民身份号码",),
    key="person.id_number",
    rules=(
        FieldRule("person.name", ("姓名",)),
        FieldRule("person.sex", ("性别",), inner=True, pattern=re.compile("[男女]")),
        FieldRule("person.ethnicity", ("民族",), inner=True),
        FieldRule("person.birth_date", ("出生",), pattern=re.compile(r"[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日?")),
        FieldRule("person.registered_address", ("住址",), lines=3),
        FieldRule("person.id_number", ("公民身份号码",), pattern=ID_NUMBER),
    ),
    others=("中华人民共和国", "居民身份证", "签发机关", "有效期限"),
)

BACK = Layout(
    kind="id_card_back",
    title="居民身份证（国徽面）",
    certificate="resident_id_card",
    marks=("签发机关", "居民身份证"),
    rules=(
        FieldRule("person.id_issuing_authority", ("签发机关",), pattern=re.compile(r".{2,20}公安局.{0,6}")),
        FieldRule(
            "person.id_valid_until", ("有效期限",), pattern=re.compile(r"[0-9]{4}\.?[0-9]{2}\.?[0-9]{2}-.{2,12}")
        ),
    ),
    others=("中华人民共和国", "居民身份证"),
)

HOUSEHOLD = Layout(
    kind="household_register",
    title="户口簿（常住人口登记卡）",
    certificate="household_register",
    marks=("常住人口登记卡", "户主或与户主关系"),
    key="person.id_number",
    rules=(
        FieldRule("person.name", ("姓名",)),
        FieldRule("household.relation_to_head", ("户主或与户主关系",)),
        FieldRule("person.former_name", ("曾用名",), required=False),
        FieldRule("person.sex", ("性别",)),
        FieldRule("person.ethnicity", ("民族",)),
        FieldRule("person.native_place", ("籍贯",)),
        FieldRule("person.birth_date", ("出生日期",)),
        FieldRule("person.id_number", ("公民身份证件编号", "公民身份号码"), pattern=ID_NUMBER),
    ),
    others=(
        "出生地", "血型", "文化程度", "婚姻状况", "何时由何地迁来本址", "何时由何地迁来本市", "承办人签章", "登记日期",
        "服务处所", "职业", "身高", "兵役状况", "宗教信仰", "本市县其他住址", "常住人口登记卡",
    ),
)  # fmt: skip
