"""The single list of what is plugged into what: loaders, linters, providers, effects, panels, metrics.

Read this file to know which floor serves which port. Every line is a plain call; nothing registers itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from yici.base.cityfolder import Finding

# Each module has `load(city: Path) -> str`: idempotent, returns one line for people. Order matters.
CITY_LOADERS = [
    "yici.core.places.loading",
    "yici.core.calendars.loading",
    "yici.core.vocabulary.loading",
    "yici.core.people.loading",
    "yici.core.metrics.loading",
    "yici.core.cases.loading",
    "yici.platform.data.catalogue.loading",
    "yici.platform.data.loading",
    "yici.platform.trust.loading",
    "yici.platform.pay.loading",
    "yici.systems.hall.loading",
]

# Each module has `lint(city: Path) -> Iterable[Finding]`.
CITY_LINTERS = [
    "yici.core.places.linting",
    "yici.core.calendars.linting",
    "yici.core.vocabulary.linting",
    "yici.core.people.linting",
    "yici.core.messages.linting",
    "yici.core.metrics.linting",
    "yici.core.cases.linting",
    "yici.platform.data.catalogue.linting",
    "yici.platform.data.quality.linting",
    "yici.platform.trust.linting",
    "yici.platform.pay.linting",
    "yici.systems.hall.linting",
    "yici.systems.hall.joint.linting",
    "yici.systems.hall.guided.linting",
]


def connect() -> None:
    """Plug providers, effects and panels into their ports. Called once, when Django is ready."""
    from yici.core.calendars import ports as calendars
    from yici.core.cases import measures
    from yici.core.cases import ports as cases
    from yici.core.files import ports as files
    from yici.core.forms import ports as forms
    from yici.core.forms.identity import IdentityFacts
    from yici.core.messages import services as messages
    from yici.core.people import ports as people
    from yici.core.people import queries as people_queries
    from yici.core.people.auth import staff_required
    from yici.core.vocabulary import ports as vocabulary
    from yici.platform.data import panels as data_panels
    from yici.platform.data import queries as register
    from yici.platform.data.facts import RegisterFacts
    from yici.platform.data.quality import issues as data_issues
    from yici.platform.data.quality import measures as data_measures
    from yici.platform.data.services import apply_objection
    from yici.platform.pay import ports as pay
    from yici.platform.pay.queries import reads_own_receipt
    from yici.platform.pay.services import bill_changed
    from yici.platform.trust import ports as trust
    from yici.platform.trust.identity import police
    from yici.platform.trust.queries import reads_own_certificate
    from yici.platform.trust.signatures.envelope_queries import reads_own_envelope
    from yici.systems.hall import measures as hall_measures
    from yici.systems.hall import panels as hall_panels
    from yici.systems.hall import services as hall
    from yici.systems.hall.joint.panels import joint_panels
    from yici.systems.hall.joint.submitting import part_moved
    from yici.systems.hall.queries import may_read_file as may_read_application_file

    people.register_identity_source(register.confirms_identity)
    people.register_identity_source(police.confirms)
    people.register_household_source(register.household_evidence)
    people.register_code_sender(messages.send_code)
    people.register_notifier(messages.notify)

    vocabulary.register_gate(staff_required())
    vocabulary.register_source_names(people_queries.department_names)

    forms.register_fact_provider(RegisterFacts())
    forms.register_fact_provider(IdentityFacts())  # what sign-in proved, for people the register does not know

    calendars.register_authority(staff_required("calendar.manage"), _calendar_authority)

    files.register_reader(may_read_application_file)
    files.register_reader(reads_own_certificate)
    files.register_reader(reads_own_receipt)
    files.register_reader(reads_own_envelope)

    cases.register_effect("hall.issue_result", hall.defer_result)
    cases.register_effect("hall.revoke_result", hall.revoke_result)
    cases.register_effect("hall.cancel_signatures", hall.cancel_signatures)
    cases.register_effect("hall.request_payment", hall.request_payment)
    cases.register_effect("hall.require_payment", hall.require_payment)
    cases.register_effect("hall.return_payment", hall.return_payment)
    cases.register_effect("data.apply_objection", apply_objection)
    cases.register_effect("data.close_issue", data_issues.close_issue)
    cases.register_effect("data.tell_of_dispute", data_issues.tell_of_dispute)
    cases.register_panel("hall", hall_panels.application_panels)
    cases.register_panel("hall", joint_panels)
    cases.register_panel("joint", joint_panels)
    cases.register_joiner("joint", part_moved)
    cases.register_panel("data", data_panels.objection_panels)
    cases.register_panel("data", data_panels.issue_panels)

    trust.register_lake(_lake_class)
    trust.register_envelope_listener(hall.signatures_ended)
    trust.register_paper_desk(_PaperDesk())

    pay.register_press(_signed_sheet)
    pay.register_listener("fee", hall.payment_changed)
    pay.register_listener("bill", bill_changed)

    measures.register()
    hall_measures.register()
    data_measures.register()


def _calendar_authority(account: Any) -> Any:
    """Calendars stand below people, so who may change them is told from here."""
    from yici.core.people.services import actor_of, require

    require(account, "calendar.manage")
    return actor_of(account)


def _signed_sheet(data: dict[str, Any], template: Path, identifier: str, issuer: str) -> bytes:
    """A receipt printed and signed as certificates are: services do not know each other, so the press is told from here."""
    from yici.platform.trust import rendering, signing

    return signing.sign(rendering.compile_sheet(data, template), identifier=identifier, issuer=issuer)


def _lake_class(class_id: str) -> Any:
    """A class of the lake, for making certificates: services do not know each other, so the lake is told from here."""
    from yici.base.errors import NotFound
    from yici.platform.data.catalogue import reading
    from yici.platform.data.lake import reading as lake
    from yici.platform.data.models import DataClass
    from yici.platform.trust.ports import LakeClass

    data_class = DataClass.objects.filter(pk=class_id, withdrawn_at=None).exclude(current=None).first()
    if data_class is None:
        raise NotFound(f"数据湖中还没有 {class_id}，请先入库。")
    snapshot = lake.snapshot_of(data_class)
    columns = {column.name: column.element for column in reading.definition_of(data_class).columns}
    label = f"{class_id} v{snapshot.number}"
    return LakeClass(label, lake.files_of(data_class, number=snapshot.number), columns, snapshot.row_count)


class _PaperDesk:
    """Batches of papers become rows of the data service's classes: what `trust.ports.PaperDesk` asks for."""

    def series_for(self, account: Any) -> list[Any]:
        from yici.platform.data import papers
        from yici.platform.data.catalogue import reading
        from yici.platform.trust.ports import ReadSeries, SeriesColumn

        found = []
        for one, data_class in papers.readable_series(account):
            definition = reading.definition_of(data_class)
            columns = tuple(
                SeriesColumn(
                    column.name, str(column.label), column.element or "", column.required, column.type == "datetime"
                )
                for column in definition.columns
                if column.type != "money"  # classes state their own units of money; papers are read in fen
            )
            found.append(
                ReadSeries(
                    one.pk,
                    one.label,
                    one.department.short_label,
                    data_class.pk,
                    data_class.label,
                    one.layout,
                    columns,
                    tuple(definition.key),
                    one.waiting,
                    one.papers - one.structured,
                )
            )
        return found

    def deliver(self, account: Any, slug: str, rows: Any, name: str) -> int:
        from yici.platform.data import papers

        return papers.deliver_rows(account, slug, rows, name).pk

    def may_see_clear(self, account: Any, slug: str) -> bool:
        from yici.platform.data import papers
        from yici.platform.data.reading import access

        found = next((data_class for one, data_class in papers.readable_series(account) if one.pk == slug), None)
        return found is not None and access.may_see_rows(account, found)


def load_city(city: Path, report: Callable[[str], None] = lambda line: None) -> None:
    """Load the whole city folder into the database; safe to repeat."""
    for name in CITY_LOADERS:
        report(_module(name).load(city))


def lint_city(city: Path) -> Iterator[Finding]:
    """Every finding of every kernel about the city folder."""
    for name in CITY_LINTERS:
        findings: Iterable[Finding] = _module(name).lint(city)
        yield from findings


def _module(name: str) -> Any:
    return import_module(name)
