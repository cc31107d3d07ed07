"""The rules, one function each; the function's name is the rule's id. Pure: an item in, faults out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from yici.core.forms.rules import all_questions
from yici.core.forms.rules import problems as form_problems
from yici.systems.hall.definitions import ItemDefinition, Kind, Limit, TaskType
from yici.systems.hall.linting.surroundings import Surroundings
from yici.systems.hall.linting.texts import texts_of


@dataclass(frozen=True)
class Fault:
    """`where` is a path into the item, for the line number."""

    where: tuple[str | int, ...]
    message: str
    remedy: str
    level: Literal["error", "warning"] = "error"


Check = Callable[[ItemDefinition, Surroundings], Iterator[Fault]]

MINIMUM_FAQS = 3
MINIMUM_STEPS_OF_LICENCE = 5
_PHONE = re.compile(r"0\d{2,3}-\d{7,8}|\d{5}|1\d{10}")
_RESULT_ENDINGS = {"证": "certificate", "执照": "certificate", "文": "document", "批复": "document", "批文": "document"}


def immediate_or_promised(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    """即办件 are settled on the spot; whoever promises more than a working day is 承诺件."""
    on_the_spot = item.limits.promised.hours <= Limit(amount=1).hours
    if item.project_type == "immediate" and not on_the_spot:
        yield Fault(("project_type",), "即办件的承诺时限应在一个工作日内当场办结", "改为 promised，或缩短承诺时限")


def promise_within_law(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    limits = item.limits
    if limits.promised.hours > limits.legal.hours:
        yield Fault(
            ("limits", "promised"),
            f"承诺时限（{limits.promised.in_words()}）长于法定时限（{limits.legal.in_words()}）",
            "把承诺时限改到法定时限以内",
        )
    if limits.intake.hours > limits.legal.hours:
        yield Fault(("limits", "intake"), "收件审查时限长于法定时限", "缩短收件审查时限")


def legal_limit_has_basis(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if not item.limits.legal.basis:
        yield Fault(("limits", "legal"), "法定时限没有写依据", "在 limits.legal.basis 写明法律、法规或文件")


def steps_within_promise(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    spent = sum(step.limit.hours for step in item.steps if step.limit)
    allowed = item.limits.promised.hours + item.limits.intake.hours
    if spent > allowed:
        yield Fault(("steps",), "各步骤的时限加起来超过了承诺时限", "调整步骤时限或承诺时限")


def result_kind_fits_name(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    name = re.sub(r"[（(].*?[)）]", "", item.result.name.zh)
    for ending, kind in _RESULT_ENDINGS.items():
        if name.endswith(ending) and item.result.kind != kind:
            yield Fault(("result", "kind"), f"结果名称以“{ending}”结尾，类型应为 {kind}", f"把 result.kind 改为 {kind}")
            return


def result_has_sample(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if not item.result.sample:
        yield Fault(("result",), "没有结果样本", "在 result.sample 写样本名称")


def result_certificate_known(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    slug = item.result.certificate
    if not slug:
        yield Fault(
            ("result",), "没有写结果的电子证照类型，办结后发不出结果", "在 result.certificate 写 certificates/ 下的类型"
        )
    elif slug not in around.certificates:
        yield Fault(
            ("result", "certificate"), f"证照类型 {slug} 不存在", f"补 certificates/{slug}.yaml，或改成已有类型"
        )


def result_can_be_printed(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    """A type with a face of its own must find something to print in what the form asks or the item says."""
    face = around.certificates.get(item.result.certificate)
    told = {*item.form.by_key, *(entry.element for entry in item.result.face), "person.name", "person.id_number"}
    if face and not face & told:
        yield Fault(
            ("result", "certificate"),
            f"{item.result.certificate} 上要印的内容，表单一项也不问",
            "在 result.face 里写从哪个回答来，或换证照类型",
        )


def result_effects_are_told(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    """What an approval changes or ends must be a known type, and be found by answers that the form asks."""
    ended = item.result.ends
    if ended and ended.certificate not in around.certificates:
        yield Fault(("result", "ends"), f"证照类型 {ended.certificate} 不存在", "改成 certificates/ 下的类型")
    for answer in filter(None, (item.result.number, *((ended.number, ended.holder) if ended else ()))):
        if answer not in item.form.by_key:
            yield Fault(("result",), f"要靠 {answer} 找到证照，表单却不问它", "在表单里问它，或改成已有的字段")


def face_is_answered(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    """Every edge has an output: what the result shows must come from the form, a value or the age."""
    for index, entry in enumerate(item.result.face):
        if entry.element not in around.elements:
            yield Fault(("result", "face", index), f"数据元 {entry.element} 不存在", "改成词汇表里的数据元")
        if not (entry.value or entry.by_age or entry.allot) and (entry.answer or entry.element) not in item.form.by_key:
            yield Fault(
                ("result", "face", index),
                f"结果上的 {entry.element} 没有来源：表单不问 {entry.answer or entry.element}",
                "在表单里问它，或写 value、answer",
            )


def visits_have_reason(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if item.visits.count > 0 and item.visits.reason is None:
        yield Fault(("visits",), "要到现场却没有说明原因", "在 visits.reason 写原因，或把次数改为 0")


def no_visit_needs_a_way(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if item.visits.count == 0 and not item.online and not item.courier.materials:
        yield Fault(("visits",), "不用到现场，又不能网上办，只能靠快递，但快递没有打开", "设 courier.materials: true")


def depth_four_means_no_visit(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if item.online_depth == "IV" and (item.visits.count > 0 or not item.online):
        yield Fault(("online_depth",), "网办深度 IV 级应全程网办、到现场 0 次", "降低深度，或把到现场次数改为 0")


def fees_complete(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if item.fees.charged:
        if not item.fees.items:
            yield Fault(("fees",), "收费但没有收费项目", "在 fees.items 写名称、标准和依据")
        for index, fee in enumerate(item.fees.items):
            if not fee.basis:
                yield Fault(("fees", "items", index), f"收费项目“{fee.name.zh}”没有依据", "写明收费依据的文件")
            if item.fees.pay_online and fee.code not in around.fees:
                yield Fault(
                    ("fees", "items", index),
                    f"收费项目“{fee.name.zh}”不在收费清单上",
                    "code 写 fees/ 中的项目，清单外的不得收取",
                )
            known = {one.id: {option.value for option in one.options} for one in item.form.situations}
            for question, value in fee.when.items():
                if value not in known.get(question, ()):
                    yield Fault(
                        ("fees", "items", index), f"没有情形 {question}={value}", "改成 form.situations 中的选项"
                    )
        if item.fees.pay_online and item.workflow not in around.paid_workflows:
            yield Fault(("workflow",), f"网上缴费的事项用了不会开缴费单的流程 {item.workflow}", "改用 paid-approval")
        if not item.fees.pay_online and item.fees.note is None:
            yield Fault(("fees",), "收费但不能网上缴", "设 fees.pay_online: true，或在 fees.note 写明怎么缴")
    elif item.fees.pay_online or item.fees.items:
        yield Fault(("fees",), "不收费却写了收费项目或网上缴费", "删去收费项目，或设 charged: true")


def phones_differ(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if item.consult_phone == item.complaint_phone:
        yield Fault(("complaint_phone",), "咨询电话与投诉电话相同", "投诉电话应由另一部门或另一人接听")
    for name, phone in (("consult_phone", item.consult_phone), ("complaint_phone", item.complaint_phone)):
        if not _PHONE.fullmatch(phone):
            yield Fault((name,), f"电话 {phone} 的写法不对", "写成 区号-号码，例如 0558-5132316")


def subjects_fit_topics(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    for index, slug in enumerate(item.listing.topics):
        topic = around.topics.get(slug)
        if topic is None:
            yield Fault(("listing", "topics", index), f"专题 {slug} 不存在", "改成 topics.yaml 里的专题")
            continue
        around.used_topics.add(slug)
        if topic.subject not in item.subjects:
            yield Fault(("listing", "topics", index), f"专题“{topic.label.zh}”与服务对象不符", "改服务对象或专题")
    if not item.listing.topics:
        yield Fault(("listing",), "没有归入任何专题，群众按生活事件找不到它", "在 listing.topics 写专题")
    if not item.subjects:
        yield Fault(("subjects",), "没有写服务对象", "写 person、enterprise 至少一个")


def licence_has_faqs_and_steps(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if item.task_type == TaskType.LICENCE and len(item.steps) < MINIMUM_STEPS_OF_LICENCE:
        yield Fault(
            ("steps",), f"行政许可只写了 {len(item.steps)} 个步骤", f"至少 {MINIMUM_STEPS_OF_LICENCE} 步，从受理到送达"
        )
    if len(item.faqs) < MINIMUM_FAQS:
        yield Fault(("faqs",), f"常见问题只有 {len(item.faqs)} 条", f"至少写 {MINIMUM_FAQS} 条群众真正会问的")


def kind_fits_task_type(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    """行政许可 is an approval and 公共服务 a service; confirmations, filings and benefits may be counted as either."""
    wanted = {TaskType.LICENCE: Kind.ADMINISTRATIVE_APPROVAL, TaskType.PUBLIC_SERVICE: Kind.PUBLIC_SERVICE}
    if item.kind != wanted.get(item.task_type, item.kind):
        message = "行政许可的 kind 应为 administrative_approval，公共服务的应为 public_service"
        yield Fault(("kind",), message, "改正 kind")


def has_legal_basis(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if not item.legal_basis:
        yield Fault(("legal_basis",), "没有设定依据", "至少写一条法律、法规或文件")
    for index, basis in enumerate(item.legal_basis):
        if not basis.number:
            yield Fault(("legal_basis", index), f"《{basis.title}》没有写文号", "补上文号")
        if "《" in basis.title:
            yield Fault(("legal_basis", index, "title"), "依据名称不用写书名号", "去掉书名号，页面会自动加")


def materials_have_source(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, material in enumerate(item.materials):
        if material.id in seen:
            yield Fault(("materials", index, "id"), f"材料编号 {material.id} 重复", "另取编号")
        seen.add(material.id)
        if not material.source:
            yield Fault(
                ("materials", index), f"材料“{material.name.zh}”没有写来源", "写 applicant、government 或 other"
            )
        if material.source == "government":
            if not material.source_function:
                yield Fault(("materials", index), f"材料“{material.name.zh}”没有写核发部门", "写 source_function")
            if not material.proven_by and material.source_function == item.handler.function:
                yield Fault(
                    ("materials", index), f"材料“{material.name.zh}”是本部门核发的，不得再向群众要", "写 proven_by"
                )
        if material.acceptance_standard is None:
            yield Fault(
                ("materials", index), f"材料“{material.name.zh}”没有受理标准", "写 acceptance_standard", "warning"
            )


def proofs_known(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    for index, material in enumerate(item.materials):
        for number, proof in enumerate(material.proven_by):
            where = ("materials", index, "proven_by", number)
            if proof.certificate and proof.certificate not in around.certificates:
                yield Fault(where, f"证照类型 {proof.certificate} 不存在", f"补 certificates/{proof.certificate}.yaml")
            for element in proof.facts:
                if element not in around.elements:
                    yield Fault(where, f"数据元 {element} 不存在", "改成词汇表里的数据元，或先在词汇表里登记")
            if proof.source and proof.source not in around.functions:
                yield Fault(where, f"数据来源 {proof.source} 不是任何部门的职能", "改成 organisations/ 里的职能")


def situations_fit_materials(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    known = {material.id for material in item.materials}
    added: set[str] = set()
    for question in all_questions(item.form.situations):
        for option in question.options:
            added.update(option.add)
            for material_id in sorted({*option.add, *option.remove} - known):
                yield Fault(
                    ("form", "situations"),
                    f"情形 {question.id} 的选项 {option.value} 提到材料 {material_id}，它不存在",
                    "改成 materials 里的编号",
                )
    for index, material in enumerate(item.materials):
        if material.only_in_situation and material.id not in added:
            yield Fault(("materials", index), f"材料 {material.id} 只在某种情形下要，但没有情形加它", "在情形里 add 它")


def form_is_sound(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if not item.form.pages:
        yield Fault(("form",), "表单没有页面", "至少写一页")
    for key, message in form_problems(item.form):
        yield Fault(_place_of(item, key), f"{key}：{message}", "改成词汇表里的数据元，或写全选项")


def _place_of(item: ItemDefinition, key: str) -> tuple[str | int, ...]:
    for number, page in enumerate(item.form.pages):
        for index, field in enumerate(page.fields):
            if key in (field.key, *(cell.key for cell in field.fields)):
                return ("form", "pages", number, "fields", index)
    return ("form",)


def handler_known(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    for function in (item.handler.function, *item.joint):
        if function not in around.functions:
            yield Fault(("handler",), f"没有哪个部门的职能是 {function}", "改成 organisations/ 里的职能")
    wanted = {
        "registered": {"person.registered_division", "person.id_number"},
        "residence": {"person.residential_division", "person.residential_address"},
        "business": {"organisation.division", "organisation.address"},
    }[item.handler.by]
    if item.handler.level != "city" and not wanted & set(item.form.by_key):
        yield Fault(("handler", "by"), "表单没有问出由哪个县区办理", f"在表单里问 {'、'.join(sorted(wanted))} 之一")


def workflow_known(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    clocks = around.workflows.get(item.workflow)
    if clocks is None:
        yield Fault(("workflow",), f"流程 {item.workflow} 不存在", f"补 workflows/{item.workflow}.yaml，或改成已有流程")
    elif not clocks & {"handling"}:
        yield Fault(
            ("workflow",), f"流程 {item.workflow} 没有 handling 时钟，承诺时限无处可用", "给流程加 handling 时钟"
        )


def windows_known(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if not item.windows and item.handler.level in ("city", "county"):  # below, the authority is the window
        yield Fault(("windows",), "没有办理窗口", "至少写一个服务中心的窗口")
    for index, window in enumerate(item.windows):
        for centre in window.centres:
            if centre not in around.centres:
                yield Fault(("windows", index), f"服务中心 {centre} 不存在", "改成 hall.yaml 里的服务中心")


def bilingual(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    for where, text in texts_of(item):
        if not text.en.strip():
            yield Fault(where, f"“{text.zh[:20]}”没有英文", "补上 en")
        elif re.search(r"[\u4e00-\u9fff]", text.en):
            yield Fault(where, f"英文里夹着中文：{text.en[:30]}", "把 en 全部写成英文")


def conditions_and_remedies(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if not item.conditions:
        yield Fault(("conditions",), "没有受理条件", "写清谁能办")
    if item.remedies is None:
        yield Fault(("remedies",), "没有写行政复议和行政诉讼的途径", "写 remedies，或在 hall.yaml 的 defaults 里写")
    if not item.rights:
        yield Fault(("rights",), "没有写申请人的权利", "写 rights，或在 hall.yaml 的 defaults 里写")


def stopped_items_say_why(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if item.listing.state != "active" and item.listing.state_reason is None:
        yield Fault(("listing", "state"), "暂停或取消的事项没有说明原因", "在 listing.state_reason 写原因和去处")


def found_by_words(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    if not item.listing.keywords:
        yield Fault(("listing",), "没有搜索关键词", "写群众会用的叫法，例如 高龄补贴")


def tolerance_fits_materials(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    tolerant = any(material.necessity == "tolerant" for material in item.materials)
    if tolerant != bool(item.tolerance_days):
        yield Fault(("tolerance_days",), "容缺材料与容缺天数应同时有或同时没有", "改 necessity 或 tolerance_days")


def signing_is_sound(item: ItemDefinition, around: Surroundings) -> Iterator[Fault]:
    """The template exists, signers are asked for in the form, and the workflow waits for them."""
    signing = item.signing
    waits = item.workflow in around.signing_workflows
    if (signing is not None) != waits:
        yield Fault(("workflow",), "在线签署的事项和等待签署的流程须同时使用", "写 signing，流程用 signed-registration")
    if signing is None:
        return
    if not (around.city / "documents" / signing.template).is_file():
        yield Fault(("signing", "template"), f"没有模板 {signing.template}", "把模板放进 documents/")
    group = item.form.by_key.get(signing.group)
    cells = {field.key for field in group.fields} if group else set()
    named = [name for name in (signing.name, signing.id_number, signing.phone, signing.share) if name]
    asked = [name for name in (signing.total, signing.among) if name]
    for name in [
        *(name for name in named if name not in cells),
        *(name for name in asked if name not in item.form.by_key),
    ]:
        yield Fault(("signing",), f"表单不问 {name}", "在表单的重复组里问它，或改成已有的字段")


CHECKS: tuple[Check, ...] = (
    immediate_or_promised,
    promise_within_law,
    legal_limit_has_basis,
    steps_within_promise,
    result_kind_fits_name,
    result_has_sample,
    result_certificate_known,
    result_can_be_printed,
    result_effects_are_told,
    face_is_answered,
    visits_have_reason,
    no_visit_needs_a_way,
    depth_four_means_no_visit,
    fees_complete,
    phones_differ,
    subjects_fit_topics,
    licence_has_faqs_and_steps,
    kind_fits_task_type,
    has_legal_basis,
    materials_have_source,
    proofs_known,
    situations_fit_materials,
    form_is_sound,
    handler_known,
    workflow_known,
    windows_known,
    bilingual,
    conditions_and_remedies,
    stopped_items_say_why,
    found_by_words,
    tolerance_fits_materials,
    signing_is_sound,
)
