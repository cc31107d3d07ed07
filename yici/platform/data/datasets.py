"""The datasets that departments keep about residents: their names and who answers for each.

`organisation` is the slug of the body in the city folder. It is the same for every city because the
slug is made of the function; the prefix is the city's own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dataset:
    """A register of one department. `function` is the department's function in the city folder."""

    id: str
    zh: str
    en: str
    function: str


DATASETS = {
    entry.id: entry
    for entry in (
        Dataset("population", "市公安局 人口信息", "Public Security population register", "public_security"),
        Dataset("household", "市公安局 户籍信息", "Public Security household register", "public_security"),
        Dataset("residence", "市公安局 实有人口信息", "Public Security residence records", "public_security"),
        Dataset("vehicle", "市公安局 机动车登记信息", "Public Security vehicle register", "public_security"),
        Dataset("social_card", "市人社局 社会保障卡信息", "Human Resources social-security cards", "human_resources"),
        Dataset(
            "medical_insurance", "市人社局 基本医疗保险参保信息", "Human Resources medical insurance", "human_resources"
        ),
        Dataset("pension", "市人社局 养老保险信息", "Human Resources pension records", "human_resources"),
        Dataset("marriage", "市民政局 婚姻登记信息", "Civil Affairs marriage register", "civil_affairs"),
        Dataset("minimum_allowance", "市民政局 低保信息", "Civil Affairs minimum-allowance register", "civil_affairs"),
        Dataset("cremation", "市民政局 火化信息", "Civil Affairs cremation records", "civil_affairs"),
        Dataset("education", "市教育局 学籍信息", "Education enrolment records", "education"),
        Dataset(
            "disability", "市残联 残疾人证信息", "Disabled Persons' Federation certificates", "disabled_federation"
        ),
        Dataset("poverty", "市扶贫办 建档立卡信息", "Poverty Relief register of poor households", "poverty_relief"),
        Dataset(
            "market", "市工商局 市场主体登记信息", "Industry and Commerce register of businesses", "market_supervision"
        ),
        Dataset("housing", "市国土资源局 不动产登记信息", "Land and Resources real-estate register", "land"),
    )
}
