"""The staff sidebar: what an account may open, in one list."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from yici.core.people.models import Account
from yici.core.people.queries import permissions_of


@dataclass(frozen=True)
class Entry:
    label: str | Promise
    path: str
    icon: str
    permission: str = ""


ENTRIES = [
    Entry(_("工作台"), "/desk/", "layout-dashboard"),
    Entry(_("办件"), "/desk/cases/", "checklist", "case.view"),
    Entry(_("当面核验"), "/desk/identity/", "id-badge", "identity.vouch"),
    Entry(_("事项目录"), "/desk/items/", "list-details"),
    Entry(_("事项变更"), "/desk/changes/", "edit", "item.manage"),
    Entry(_("服务指标"), "/desk/indicators/", "flag", "metric.view"),
    Entry(_("缴费订单"), "/desk/pay/", "credit-card", "pay.cashier"),
    Entry(_("每日对账"), "/desk/pay/reconciliation/", "scale", "pay.finance"),
    Entry(_("账簿"), "/desk/pay/ledger/", "book", "pay.finance"),
    Entry(_("收费清单"), "/desk/pay/fees/", "coin-yuan", "pay.fees"),
    Entry(_("数据总览"), "/desk/data/", "database-import", "data.view"),
    Entry(_("数据质量"), "/desk/data/quality/", "shield-check", "data.view"),
    Entry(_("证照库"), "/desk/certificates/", "file-certificate", "certificate.view"),
    Entry(_("纸质档案录入"), "/desk/papers/", "files", "data.upload"),
    Entry(_("数据元"), "/desk/elements/", "database"),
    Entry(_("统计指标"), "/desk/metrics/", "chart-bar", "metric.view"),
    Entry(_("工作日历"), "/desk/calendar/", "calendar", "calendar.manage"),
    Entry(_("接入系统"), "/desk/clients/", "link", "client.manage"),
    Entry(_("工作人员账户"), "/desk/staff/", "users-group", "account.manage"),
    Entry(_("人员与角色"), "/desk/people/", "users", "role.manage"),
    Entry(_("消息发送"), "/desk/messages/", "message", "message.view"),
    Entry(_("查阅记录"), "/desk/audit/", "eye-check", "audit.view"),
]


def staff_navigation(account: Account, path: str) -> list[dict[str, object]]:
    """Entries the account may open; `current` marks the longest matching one."""
    permissions = permissions_of(account)
    allowed = [entry for entry in ENTRIES if not entry.permission or entry.permission in permissions]
    matching = [entry for entry in allowed if path.startswith(entry.path)]
    current = max(matching, key=lambda entry: len(entry.path), default=None)
    return [
        {"label": entry.label, "path": entry.path, "icon": entry.icon, "current": entry is current} for entry in allowed
    ]
