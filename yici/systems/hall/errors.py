"""What may go wrong in the hall, each with what the person can do about it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from yici.base.errors import Conflict, Invalid, NotAllowed


class ItemStopped(Conflict):
    slug = "item-stopped"
    message = _("这项服务已暂停办理。您填写的内容已保存在草稿里，恢复办理后可以继续；如有疑问请拨打 12345 转 2。")


class NotEligible(Invalid):
    """The records contradict a condition of acceptance. `fields` says which."""

    slug = "not-eligible"
    message = _("按照现有记录，您暂时不符合这项服务的办理条件。")


class MaterialsMissing(Invalid):
    slug = "materials-missing"
    message = _("还有材料没有提交，请先补齐。")


class NotYourPerson(NotAllowed):
    slug = "not-your-person"
    message = _("您没有替这个人办事的授权。请先在“我的—家人与授权”中取得授权。")


class NothingToCorrect(Conflict):
    slug = "nothing-to-correct"
    message = _("这个办件没有等待答复的补正通知：可能已经答复过，或者已经办结。请在“我的办件”查看进度。")


class AlreadyRated(Conflict):
    slug = "already-rated"
    message = _("这个办件您已经评价过了，谢谢。")


class NotRateable(Conflict):
    slug = "not-rateable"
    message = _("办结之后才能评价。")


class NoAuthority(Invalid):
    """No authority of that place holds the item; the message says where it is held."""

    slug = "no-authority"
    message = _("这里没有办理这项服务的单位，请换一个地方，或者拨打 12345 转 2。")


class AuthorityNotChosen(Invalid):
    """Several bodies of the place hold the item, each for itself."""

    slug = "authority-not-chosen"
    message = _("这项服务由各单位分别办理，请先在办事指南里选择向哪个单位申请。")


class NotPaid(Conflict):
    slug = "not-paid"
    message = _("申请人还没有缴费，缴清之后才能作出准予的决定。")


class ChangeSettled(Conflict):
    slug = "change-settled"
    message = _("这项变更已经审核过了，请刷新页面查看结果。")


class SamePerson(NotAllowed):
    slug = "same-person"
    message = _("自己提出的变更要由另一个人审核。")
