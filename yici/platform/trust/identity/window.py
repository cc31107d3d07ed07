"""窗口核验: an official or an agent sees the person and her card, and vouches for her with a code.

The code is said or printed, typed on the person's own page within a quarter of an hour, and works once, for her.
Ten characters of thirty-two are 50 bits: no guessing within that time.
"""

from __future__ import annotations

import datetime as dt
import secrets

from django.utils.translation import gettext as _

from yici.base.errors import Invalid, NotAllowed
from yici.core.audit import services as audit
from yici.core.people.models import Account, Person
from yici.core.people.services import ensure_person
from yici.core.vocabulary import rules as vocabulary
from yici.platform.trust.identity import assertions, police
from yici.platform.trust.identity.assertions import Proof
from yici.platform.trust.models import Assertion

__all__ = ["LIFE", "PERMISSION", "read_code", "vouch"]

PERMISSION = "identity.vouch"
LIFE = dt.timedelta(minutes=15)
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 0/O and 1/I are left out


def vouch(by: Account, name: str, id_number: str, document: str, actor: audit.Actor) -> tuple[Person, str]:
    """Vouch for a person whose card (`document`: what was shown) agrees with her face; returns the code.

    Raises `Invalid` (fields), `NotAllowed` for oneself.
    """
    fields = {}
    name = " ".join(name.split())
    if len(name) < 2:
        fields["name"] = _("请填写证件上的姓名。")
    try:
        number = vocabulary.parse_id_number(id_number).number
    except Invalid as error:
        fields["id_number"] = str(error.message)
    if len(document.strip()) < 2:
        fields["document"] = _("请写明核对了什么证件。")
    if fields:
        raise Invalid(fields=fields)
    if police.confirms(name, number) is False:
        text = _("公安登记的姓名与证件不一致，或该身份已注销，不能核验。")
        raise Invalid(text, fields={"id_number": text})
    person = ensure_person(name, number)
    if by.person_id == person.pk:
        raise NotAllowed(_("不能为自己核验，请由另一位工作人员办理。"))
    code = "".join(secrets.choice(_ALPHABET) for _index in range(10))
    proof = Proof(assertions.FACE, Assertion.Method.WINDOW)
    assertions.write(person, proof, purpose=assertions.SESSION, token=code, life=LIFE, vouched_by=by)
    audit.record(
        actor, "identity", subject=("person", person.pk), elements=["person.name", "person.id_number"],
        purpose=f"窗口当面核验身份，核对证件：{document.strip()[:100]}",
    )  # fmt: skip
    return person, code


def read_code(text: str) -> str:
    """As typed, with spaces and hyphens, in either case."""
    return "".join(text.upper().replace("-", " ").split())[:20]
