"""The files of a certificate, made when they are asked for: PDF/A with a signature, OFD with a seal, evidence as JSON.

Only the PDF of an issued certificate is stored. Of every other file its hash is kept, so that the public check knows
its bytes without reading them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.cityfolder import city_folder
from yici.base.errors import NotFound
from yici.core.files import services as files
from yici.core.files.models import StoredFile
from yici.core.people.models import Organisation
from yici.core.places import queries as places
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary import rules as vocabulary_rules
from yici.platform.trust import definitions, rendering, rules, signing
from yici.platform.trust.definitions import CertificateType
from yici.platform.trust.library.held import Held, check_code_of
from yici.platform.trust.making import reading
from yici.platform.trust.models import RenderedFile
from yici.platform.trust.ofd import packing
from yici.platform.trust.ofd.sealing import sealer

__all__ = [
    "FORMATS",
    "MEDIA_TYPES",
    "SEAL_CAPTION",
    "Format",
    "file_of",
    "pdf_of_sheet",
    "printed_elements",
    "sheet_of",
]

SEAL_CAPTION = "电子证照专用章"
Format = Literal["pdf", "ofd", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: dict[Format, str] = {"pdf": "application/pdf", "ofd": packing.MEDIA_TYPE, "json": "application/json"}


def file_of(held: Held, format: Format) -> tuple[str, bytes]:
    """Name and bytes. `json`: the record with its proof, of one made in bulk. Raises `NotFound` for what it has not."""
    name = f"{held.name.zh}-{held.identifier.rsplit('.', 3)[1]}.{format}"
    if format == "json":
        if not held.is_made:
            raise NotFound(_("只有从数据批量制作的证照才有可核验凭据。"))
        evidence = reading.evidence_of(reading.find(held.identifier))
        return name, json.dumps(evidence, ensure_ascii=False, indent=1).encode()
    if format == "pdf" and held.file_id:
        with files.open_file(StoredFile.objects.get(pk=held.file_id)) as stream:
            return name, stream.read()
    sheet = sheet_of(held)
    content = packing.pack(sheet, sealer(), clock.now()) if format == "ofd" else pdf_of_sheet(sheet, held.type)
    RenderedFile.objects.get_or_create(
        sha256=hashlib.sha256(content).digest(),
        defaults={"identifier": held.identifier, "format": format, "at": clock.now()},
    )
    return name, content


def pdf_of_sheet(sheet: rendering.Sheet, type: str) -> bytes:
    """PDF/A-2b with the city's signature over all of it."""
    template = definitions.certificate_type(type).template
    pdf = rendering.render(sheet, city_folder() / definitions.FOLDER / "templates" / template)
    return signing.sign(pdf, identifier=sheet.identifier, issuer=sheet.issuer)


def sheet_of(held: Held) -> rendering.Sheet:
    """What is printed, always in Chinese whatever language the request has. Draws the check code where it has none."""
    kind = definitions.certificate_type(held.type)
    with translation.override("zh-hans"):
        fields = [_face_row(element, held.face[element]) for element in printed_elements(kind, held.face)]
        statement = kind.statement.zh
        for element in kind.blanks():
            value = held.face.get(element) or (held.holder_name if element == "person.name" else "")
            statement = statement.replace(f"{{{element}}}", vocabulary_rules.display(element, value))
    day, until, code = held.issued_on, held.valid_to, check_code_of(held)
    english = Organisation.objects.filter(name=held.issuer).values_list("english", flat=True).first()
    return rendering.Sheet(
        title=kind.name.zh,
        title_en=kind.name.en,
        authority=f"{places.root().name}电子证照",
        accent=kind.accent,
        statement=statement,
        statement_en=kind.statement.en,
        fields=fields,
        number=held.number,
        identifier=held.identifier,
        check_code=code,
        check_code_shown=rules.shown_check_code(code),
        verify_url=f"{settings.SITE_URL}/verify/{code}/",
        verify_host=f"{urlsplit(settings.SITE_URL).netloc}/verify",
        issuer=held.issuer,
        issuer_en=english or "",
        seal_caption=SEAL_CAPTION,
        issued_on=f"{day.year}年{day.month}月{day.day}日",
        issued_on_iso=day.isoformat(),
        validity=f"至{until.year}年{until.month}月{until.day}日" if until else "长期有效",
        validity_en=f"Valid until {until.isoformat()}" if until else "Valid without limit",
        case_number=held.case_number,
    )


def printed_elements(kind: CertificateType, face: Mapping[str, Any]) -> list[str]:
    """The type's elements first, in its order, then whatever else the face holds and the vocabulary knows."""
    wanted = [element for element in kind.face if face.get(element)]
    return wanted + [element for element in face if element not in kind.face and vocabulary.has_element(element)]


def _face_row(element: str, value: str) -> rendering.FaceRow:
    if not vocabulary.has_element(element):
        return rendering.FaceRow(element, "", value)
    label = vocabulary.element(element).label
    return rendering.FaceRow(label.zh, label.en, vocabulary_rules.display(element, value))
