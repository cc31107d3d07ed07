"""The demo city's people: staff accounts with known passwords, and the citizens of the story.

Never runs when `YICI_DEMO` is "0": those passwords are printed in the documentation.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from pathlib import Path
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import encrypt
from django.contrib.auth.hashers import make_password
from django.db import transaction

from yici.base import clock
from yici.base.cityfolder import city_folder, read_yaml
from yici.base.errors import Misconfigured
from yici.core.people.models import Account, Organisation, RoleGrant
from yici.core.people.services.accounts import ensure_account, ensure_person
from yici.core.people.services.roles import grant_role


@transaction.atomic
def load_demo(city: Path) -> str:
    """Create what is missing of `demo.yaml`; safe to repeat. Returns one line for people."""
    path = city / "demo.yaml"
    if os.environ.get("YICI_DEMO") == "0" or not path.exists():
        return "演示人员：未启用"
    demo: dict[str, Any] = read_yaml(path)
    hashed = make_password(demo["password"])
    RoleGrant.objects.filter(reason="演示账户", granted_by=None, valid_from__gt=_since()).update(valid_from=_since())
    for entry in demo["staff"]:
        _staff(entry, hashed, demo["totp_secret"])
    for entry in demo.get("citizens", []):
        person = ensure_person(entry["name"], entry["id_number"], phone=entry["phone"], division=entry.get("division"))
        ensure_account(person, phone=entry["phone"])
    return f"演示人员：工作人员 {len(demo['staff'])} 名，市民 {len(demo.get('citizens', []))} 名"


def _staff(entry: dict[str, Any], password: str, totp_secret: str) -> None:
    organisation = _organisation(entry["organisation"])
    account, created = Account.objects.get_or_create(
        username=entry["username"],
        defaults={
            "name": entry["name"], "kind": Account.Kind.STAFF, "organisation": organisation,
            "title": entry["title"], "password": password, "phone": entry.get("phone", ""),
        },
    )  # fmt: skip
    if not created:
        return
    Authenticator.objects.create(user=account, type=Authenticator.Type.TOTP, data={"secret": encrypt(totp_secret)})
    for role in entry["roles"]:
        where = _organisation(entry.get("scope", entry["organisation"]))
        if not RoleGrant.objects.filter(account=account, role=role).exists():
            grant_role(account, role, organisation=where, reason="演示账户", granted_by=None, valid_from=_since())


def _since() -> dt.date:
    """Demo staff have held their posts for two years, so that what they did before today is allowed."""
    return clock.today() - dt.timedelta(days=730)


# Posts of a desk that `demo.yaml` does not fill: title, and what the user name ends in.
_POSTS = {
    "clerk": ("窗口工作人员", "shouli"), "reviewer": ("审查员", "shencha"), "approver": ("分管负责人", "shenpi"),
    "data_officer": ("数据管理员", "shuju"),
}  # fmt: skip
_FAMILY_NAMES = "赵钱孙李周吴郑王冯陈蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜谢邹苏潘葛范彭马方任袁柳史唐薛雷贺倪汤"
_GIVEN_NAMES = (
    "志远",
    "建华",
    "晓燕",
    "海涛",
    "丽萍",
    "文斌",
    "玉梅",
    "国庆",
    "春生",
    "慧敏",
    "永刚",
    "雪莲",
    "立波",
    "佳宁",
    "学文",
    "秀芝",
)


@transaction.atomic
def ensure_demo_staff(organisation: Organisation, role: str) -> Account:
    """Somebody of the demo who holds this role in the organisation; made when nobody does, as `demo.yaml`'s are."""
    title, post = _POSTS[role]
    username = f"{organisation.slug}.{post}"
    drawn = int.from_bytes(hashlib.sha256(username.encode()).digest()[:4], "big")
    demo: dict[str, Any] = read_yaml(city_folder() / "demo.yaml")
    name = _FAMILY_NAMES[drawn % len(_FAMILY_NAMES)] + _GIVEN_NAMES[drawn // 97 % len(_GIVEN_NAMES)]
    entry = {"username": username, "name": name, "title": title, "organisation": organisation.slug, "roles": [role]}
    _staff(entry, make_password(demo["password"]), demo["totp_secret"])
    return Account.objects.get(username=username)


def _organisation(slug: str) -> Organisation:
    found = Organisation.objects.filter(slug=slug).first()
    if found is None:
        raise Misconfigured(f"demo.yaml 提到的机构 {slug} 不在 organisations 目录中。")
    return found
