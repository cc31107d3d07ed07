"""The permissions there are, and the roles of the city folder that bundle them.

A permission is checked by code, so it is listed here; a role is the city's own bundle, so it is data
(`roles.yaml`) and code never asks for one by name.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from yici.base.cityfolder import city_folder, read_yaml
from yici.base.errors import Misconfigured
from yici.base.text import Text

PERMISSIONS: dict[str, Text] = {
    "case.view": Text(zh="查看办件", en="See cases"),
    "case.accept": Text(zh="收件与受理", en="Receive and accept cases"),
    "case.review": Text(zh="审查办件", en="Review cases"),
    "case.approve": Text(zh="作出决定", en="Decide cases"),
    "case.assign": Text(zh="分办与转办", en="Assign and hand over cases"),
    "case.supervise": Text(zh="督办与批示", en="Supervise cases"),
    "item.manage": Text(zh="管理事项目录", en="Manage the item catalogue"),
    "calendar.manage": Text(zh="管理工作日历", en="Manage the working calendar"),
    "role.manage": Text(zh="管理人员与角色", en="Manage people and roles"),
    "account.manage": Text(zh="新建和停用工作人员账户", en="Make and close staff accounts"),
    "metric.view": Text(zh="查看统计指标", en="See metrics"),
    "audit.view": Text(zh="查看查阅记录", en="See the access log"),
    "data.objection": Text(zh="处理数据异议", en="Handle objections to data"),
    "data.view": Text(zh="查看数据目录与运行", en="See data classes and their runs"),
    "data.upload": Text(zh="上传本部门数据", en="Upload the department's data"),
    "data.operate": Text(zh="运行与维护数据入库", en="Run loads, decide mappings, roll back"),
    "data.rows": Text(zh="查看数据明细", en="See rows of data"),
    "pay.cashier": Text(zh="查看订单、办理退款", en="See orders, refund"),
    "pay.finance": Text(zh="对账与处理差异", en="Reconcile and decide differences"),
    "pay.fees": Text(zh="维护收费清单", en="Propose and review fees"),
    "client.manage": Text(zh="管理接入系统", en="Manage systems that sign people in here"),
    "identity.vouch": Text(zh="当面核验身份", en="Vouch for people at a window"),
    "certificate.view": Text(zh="查询证照", en="See certificates"),
    "certificate.manage": Text(zh="暂停、撤销、注销证照", en="Suspend, revoke and cancel certificates"),
    "message.view": Text(zh="查看消息发送", en="See messages sent"),
}


class Role(BaseModel):
    """A bundle of permissions under a name people know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Text
    help: Text | None = None
    permissions: frozenset[str]
    duty: Literal["", "system", "security", "audit"] = ""  # 三员分立: nobody has two of the three


def roles(city: Path | None = None) -> dict[str, Role]:
    """Every role of the city by its slug, in the order of the file. Raises `Misconfigured`."""
    return _roles_of((city or city_folder()) / "roles.yaml")


def permissions_of_role(role: str) -> frozenset[str]:
    """What a role carries; nothing for a role the city no longer has."""
    found = roles().get(role)
    return found.permissions if found else frozenset()


def duty_of_role(role: str) -> str:
    """system, security, audit, or empty for a role that is none of the three administrators."""
    found = roles().get(role)
    return found.duty if found else ""


@lru_cache(maxsize=4)
def _roles_of(path: Path) -> dict[str, Role]:
    if not path.exists():
        raise Misconfigured(f"缺少文件 {path}")
    document: dict[str, Any] = read_yaml(path)
    try:
        return {slug: Role.model_validate(entry) for slug, entry in document["roles"].items()}
    except ValidationError as error:
        raise Misconfigured(f"{path} 中的角色有误：{error}") from error
