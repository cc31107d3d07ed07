"""What a proof of identity may come to, each in words a person can act on."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

__all__ = ["MATCHED", "OUTCOMES", "words"]

MATCHED = "matched"

OUTCOMES: dict[str, str | Promise] = {
    MATCHED: _("核验通过。"),
    "other_person": _("照片与公安登记的不是同一人，或者拍得不够清楚。请本人正对镜头，摘下帽子、口罩和墨镜后再试。"),
    "no_face": _("照片里没有找到人脸。请正对镜头，让整张脸都在画面里，再拍一次。"),
    "two_faces": _("照片里不止一张脸。请让旁边的人离开画面，再拍一次。"),
    "too_dark": _("光线太暗，看不清面容。请到亮一些的地方，让光照在脸上，再拍一次。"),
    "too_small": _("脸在照片里太小。请把手机拿近一些，让脸占画面一半左右，再拍一次。"),
    "bad_file": _("这个文件不是能识别的照片（JPG、PNG 或 WebP，不超过 8 MB）。请重新拍照。"),
    "replayed": _("这张照片已经用过。请现在重新拍一张，不要使用以前的照片。"),
    "stale": _("拍照页面打开太久，或已经提交过。请重新拍照。"),
    "no_reference": _("公安登记库里没有您可用的证件照，无法在网上比对。请到窗口或代办点当面核验。"),
    "name_mismatch": _("公安登记的姓名与您登录时填写的不一致。请带户口簿到公安派出所窗口核实。"),
    "unknown_person": _("公安登记库里没有查到您的信息。请带身份证到窗口当面核验。"),
    "deceased": _("公安登记显示该身份已注销，不能办理。如登记有误，请家属到公安派出所窗口更正。"),
}


def words(outcome: str) -> str:
    return str(OUTCOMES[outcome])
