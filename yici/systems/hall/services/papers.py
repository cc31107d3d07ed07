"""Photos of papers in an application: who may have one read, and what of it goes into the form."""

from __future__ import annotations

from django.utils import timezone

from yici.base.errors import Conflict, NotFound
from yici.core.files.models import StoredFile
from yici.core.forms import services as forms
from yici.core.forms.ports import OWN, Fact
from yici.core.people.models import Account
from yici.platform.trust.models import PaperReading
from yici.platform.trust.papers import queries as papers
from yici.platform.trust.papers import readings
from yici.systems.hall.definitions import Material
from yici.systems.hall.services.applying import OpenApplication

SOURCE, SOURCE_EN = "您上传的证件照片", "the photo you uploaded"


def can_be_read(material: Material) -> bool:
    """Whether some certificate that proves the material is a paper the reader knows."""
    return any(papers.kinds_of_certificate(proof.certificate) for proof in material.proven_by)


def ask_reading(application: OpenApplication, account: Account, file_id: int) -> PaperReading:
    """Have an uploaded photo read. Raises `NotFound` for a file that is not the draft's, `Invalid` for no picture."""
    uploads = application.draft.context.get("uploads", {})
    readable = {material.id for material in application.definition.materials if can_be_read(material)}
    if not any(file_id in files for material, files in uploads.items() if material in readable):
        raise NotFound()
    return readings.ask(account, StoredFile.objects.get(pk=file_id))


def reading_in(application: OpenApplication, account: Account, reading_id: int) -> PaperReading:
    """The account's reading of one of the draft's files. Raises `NotFound`."""
    reading = papers.own_reading(account, reading_id)
    if not any(reading.file_id in files for files in application.draft.context.get("uploads", {}).values()):
        raise NotFound()
    return reading


def take_reading(
    application: OpenApplication, account: Account, reading: PaperReading, values: dict[str, str]
) -> list[str]:
    """Confirm a reading and fill the form with it; the ids of the fields filled. Raises `Invalid`, `Conflict`."""
    if application.draft.submitted_as:
        raise Conflict()
    confirmed = readings.confirm(reading, account, values)
    day = timezone.localdate(confirmed.confirmed_at)
    facts = {
        element: Fact(element, value, SOURCE, SOURCE_EN, "", day, OWN)
        for element, value in papers.confirmed_values(confirmed).items()
    }
    return forms.take_facts(application.draft, application.definition.form, facts)
