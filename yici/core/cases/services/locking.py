"""The lock every change takes first: the case's own row, with what acting needs beside it."""

from __future__ import annotations

from yici.base.errors import NotFound
from yici.core.cases.models import Case

RELATED = ("type", "version", "organisation", "subject", "opened_by", "assignee")
DEFINITION = "version__definition"  # kept in the process by version, so no need to read it with every case


def lock(case_number: str) -> Case:
    """Lock one case until the transaction ends. Raises `NotFound`."""
    cases = Case.objects.select_for_update(of=("self",)).select_related(*RELATED).defer(DEFINITION)
    case = cases.filter(number=case_number).first()
    if case is None:
        raise NotFound()
    return case


def lock_many(case_numbers: list[str]) -> list[Case]:
    """Lock several, always in the order of their ids, so that two such calls cannot wait for each other."""
    cases = Case.objects.select_for_update(of=("self",)).select_related(*RELATED).defer(DEFINITION)
    found = list(cases.filter(number__in=case_numbers).order_by("pk"))
    if len(found) != len(set(case_numbers)):
        raise NotFound()
    return found
