"""Answering a correction notice (补正): changed answers and added files, then the clock runs again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import NotFound
from yici.core.cases import queries as case_queries
from yici.core.cases import services as cases
from yici.core.cases.models import Correction
from yici.core.files import services as files
from yici.core.files.models import StoredFile
from yici.core.forms import services as forms
from yici.core.people.models import Account
from yici.systems.hall.errors import MaterialsMissing, NothingToCorrect
from yici.systems.hall.models import Application, MaterialInstance
from yici.systems.hall.queries.catalogue import definition_of


def open_correction(number: str, account: Account) -> tuple[Application, Correction]:
    """The application with the notice that waits for an answer. Raises `NotFound`, `NothingToCorrect`."""
    case = case_queries.case_for_applicant(account, number)
    application = Application.objects.select_related("version__item", "case").filter(case=case).first()
    if application is None:
        raise NotFound
    correction = Correction.objects.filter(case=case, answered_at=None).order_by("-id").first()
    if correction is None or case.closed_at:
        raise NothingToCorrect
    return application, correction


def answer_correction(
    number: str,
    account: Account,
    *,
    answers: Mapping[str, Any],
    uploads: Mapping[str, list[StoredFile]],
    remark: str = "",
) -> Application:
    """Send the answer. Every demanded field must validate, every demanded material must have a file or a remark.

    Raises `NotFound`, `Invalid`, `MaterialsMissing`, `NothingToCorrect` when the notice was answered meanwhile.
    """
    with transaction.atomic():
        application, correction = open_correction(number, account)
        application = (
            Application.objects.select_for_update(of=("self",))
            .select_related("version__item", "case", "applicant")
            .get(pk=application.pk)
        )
        definition = definition_of(application.version)
        demanded = {demand["field"] for demand in correction.demands if demand.get("field")}
        changed = {key: value for key, value in answers.items() if key in demanded}
        merged = forms.validate(
            definition.form, {**application.answers, **changed}, application.situation,
            account=account, subject=application.applicant, prefill=_fixed(application, demanded),
        )  # fmt: skip
        _require_answers(correction, changed, uploads, remark)
        application.answers = merged
        application.save(update_fields=["answers"])
        _replace_materials(application, uploads)
        cases.act(
            number, "answer_correction", account, opinion=remark,
            data={"fields": sorted(changed), "materials": sorted(uploads)},
        )  # fmt: skip
    return application


def _fixed(application: Application, demanded: set[str]) -> dict[str, Any]:
    """What records fix of read-only fields, less what the notice itself asks to be corrected."""
    return {key: fact for key, fact in application.provenance.items() if key not in demanded}


def _require_answers(
    correction: Correction, changed: Mapping[str, Any], uploads: Mapping[str, list[StoredFile]], remark: str
) -> None:
    missing = {}
    for demand in correction.demands:
        key = demand.get("material")
        if key and not uploads.get(key) and not remark:
            missing[key] = _("{label}：请上传文件，或在说明里写明情况。").format(label=demand["label"])
        if demand.get("field") and demand["field"] not in changed and not remark:
            missing[demand["field"]] = _("{label}：请填写，或在说明里写明情况。").format(label=demand["label"])
    if missing:
        raise MaterialsMissing(_("还有要求没有答复，请补齐。"), fields=missing)
    if not changed and not any(uploads.values()) and not remark:
        raise MaterialsMissing(_("请填写说明或上传文件。"), fields={"remark": _("请写明您补正了什么。")})


def _replace_materials(application: Application, uploads: Mapping[str, list[StoredFile]]) -> None:
    now = clock.now()
    names = {material.id: material.name.zh for material in definition_of(application.version).materials}
    for key, stored in uploads.items():
        if not stored:
            continue
        application.materials.filter(requirement=key, replaced_at=None, source="upload").update(replaced_at=now)
        for one in stored:
            MaterialInstance.objects.create(
                application=application, requirement=key, name=names.get(key, one.name), source="upload",
                file=one, trust=one.trust, added_at=now,
            )  # fmt: skip
            files.attach(one, application.case.number)
