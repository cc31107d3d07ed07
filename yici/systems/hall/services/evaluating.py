"""Rating a closed case (好差评, GB/T 39735): one evaluation a case, five levels."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid
from yici.core.cases import queries as case_queries
from yici.core.people.models import Account
from yici.core.vocabulary import queries as vocabulary
from yici.systems.hall.errors import AlreadyRated, NotRateable
from yici.systems.hall.models import Evaluation

TEXT_LIMIT = 500


def evaluate(
    number: str, account: Account, *, level: int, tags: Sequence[str] = (), text: str = "", anonymous: bool = False
) -> Evaluation:
    """Rate the case. `level`: 5 very satisfied … 1 very dissatisfied. Raises `Invalid`, `NotRateable`, `AlreadyRated`."""
    case = case_queries.case_for_applicant(account, number)
    if case.closed_at is None:
        raise NotRateable
    if level not in range(1, 6):
        raise Invalid(fields={"level": _("请选择一个满意程度。")})
    if len(text) > TEXT_LIMIT:
        raise Invalid(fields={"text": _("请不要超过 {count} 个字。").format(count=TEXT_LIMIT)})
    known = {code.code for code in vocabulary.code_list("evaluation_tag").codes}
    try:
        with transaction.atomic():
            return Evaluation.objects.create(
                case=case, level=level, tags=[tag for tag in tags if tag in known], text=text.strip(),
                is_anonymous=anonymous, by=account, at=clock.now(),
            )  # fmt: skip
    except IntegrityError:
        raise AlreadyRated from None
