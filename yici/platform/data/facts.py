"""The register as a source of facts for forms. One query per call; the data platform replaces it later."""

from __future__ import annotations

from collections.abc import Sequence

from yici.core.forms.ports import Fact, Subject
from yici.platform.data import queries
from yici.platform.data.datasets import DATASETS


class RegisterFacts:
    """Facts about persons, each with the dataset it stands in, who answers for it and when it was confirmed."""

    id = "resident-register"

    def facts_of(self, subject: Subject, elements: Sequence[str]) -> list[Fact]:
        """Facts among `elements` that the register holds; none for an unknown person."""
        if subject.kind != "person":
            return []
        row = queries.resident(subject.id_number)
        if row is None:
            return []
        held = (queries.held_of(row, element) for element in elements)
        return [self._fact(entry) for entry in held if entry]

    def _fact(self, held: queries.Held) -> Fact:
        dataset = DATASETS[held.dataset]
        return Fact(
            element=held.element,
            value=held.value,
            source=dataset.zh,
            source_en=dataset.en,
            source_organisation=queries.organisation_slug(dataset.function),
            as_of=held.as_of,
            provider=self.id,
        )
