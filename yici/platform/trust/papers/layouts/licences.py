"""The business licence (市场监管总局 2019), the driving licence (GA 482) and the vehicle licence (GA 37)."""

from __future__ import annotations

import re

from yici.platform.trust.papers.layouts.anchors import FieldRule, Layout
from yici.platform.trust.papers.layouts.identity import ID_NUMBER

BUSINESS = Layout(
    kind="business_licence",
    title="营业执照",
    certificate="business_licence",
    marks=("营业执照", "统一社会信用代码"),
    key="organisation.uscc",
    rules=(
        FieldRule("organisation.uscc", ("统一社会信用代码",), below=True, pattern=re.compile("[0-9A-Z]{18}")),
        FieldRule("organisation.name", ("名称",), lines=2),
        FieldRule("organisation.legal_representative", ("法定代表人", "经营者", "负责人")),
        FieldRule("organisation.operator_form", ("组成形式",), required=False),
        FieldRule("organisation.founded_date", ("成立日期", "注册日期")),
        FieldRule("organisation.registered_capital", ("注册资本",), required=False),
        FieldRule("organisation.address", ("经营场所", "住所"), lines=3),
        FieldRule("organisation.business_scope", ("经营范围",), lines=8),
    ),
    others=("类型", "登记机关", "营业期限", "营业执照"),
)

DRIVING = Layout(
    kind="driving_licence",
    title="机动车驾驶证",
    certificate="driving_licence",
    marks=("机动车驾驶证", "准驾车型"),
    key="driver.licence_number",
    rules=(
        FieldRule("driver.licence_number", ("证号",), pattern=ID_NUMBER),
        FieldRule("person.name", ("姓名",)),
        FieldRule("person.sex", ("性别",), inner=True, pattern=re.compile("[男女]")),
        FieldRule("person.residential_address", ("住址",), lines=3),
        FieldRule("person.birth_date", ("出生日期",)),
        FieldRule("certificate.issued_date", ("初次领证日期",), required=False),
        FieldRule("driver.licence_class", ("准驾车型",)),
        FieldRule("driver.licence_valid_until", ("有效期限",)),
    ),
    others=("国籍", "中华人民共和国"),
)

VEHICLE = Layout(
    kind="vehicle_licence",
    title="机动车行驶证",
    certificate="vehicle_licence",
    marks=("机动车行驶证", "车辆识别代号", "号牌号码"),
    key="vehicle.plate_number",
    rules=(
        FieldRule("vehicle.plate_number", ("号牌号码",)),
        FieldRule("vehicle.kind", ("车辆类型",)),
        FieldRule("vehicle.owner_name", ("所有人",)),
        FieldRule("vehicle.use", ("使用性质",)),
        FieldRule("vehicle.brand", ("品牌型号",)),
        FieldRule("vehicle.vin", ("车辆识别代号",), pattern=re.compile("[0-9A-Z]{17}")),
        FieldRule("vehicle.engine_number", ("发动机号码",)),
        FieldRule("vehicle.registered_date", ("注册日期",), inner=True),
        FieldRule("certificate.issued_date", ("发证日期",), inner=True, required=False),
    ),
    others=("住址", "中华人民共和国"),
)
