"""The benchmark's generator makes cases that the kernel itself finds consistent."""

from __future__ import annotations

import pytest

from bench import seed_cases
from yici.core.cases import services
from yici.core.cases.models import Case, CaseType
from yici.core.cases.projections import CLOCK_FIELDS


@pytest.mark.django_db
def test_seeded_cases_agree_with_their_events() -> None:
    before = Case.objects.count()
    seed_cases.seed(200, 7)
    assert Case.objects.count() == before + 200
    assert CaseType.objects.filter(system="bench").count() == len(seed_cases.TYPES)
    wrong = [found for found in services.verify_projections(200) if found.field not in CLOCK_FIELDS]
    assert wrong == []
