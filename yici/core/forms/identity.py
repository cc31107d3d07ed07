"""The first fact provider: what sign-in has already proven about a person, read from `people`."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from yici.core.forms.ports import Fact, Subject
from yici.core.people.models import Person


class IdentityFacts:
    """Name, ID number, birth date and sex of a person known to the platform. Register it first."""

    id = "identity"

    def facts_of(self, subject: Subject, elements: Sequence[str]) -> list[Fact]:
        person = Person.objects.filter(id_number=subject.id_number).first()
        if person is None:
            return []
        values = {
            "person.name": person.name,
            "person.id_number": person.id_number,
            "person.birth_date": person.birth_date.isoformat(),
            "person.sex": person.sex,
        }
        as_of = timezone.localdate(person.created_at)
        return [
            Fact(element, values[element], "实名认证", "Verified identity", "", as_of, self.id)
            for element in elements
            if values.get(element)
        ]
