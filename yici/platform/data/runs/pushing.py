"""A signed push: a department's program hands a delivery over. The signature decides, a nonce counts once."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Mapping
from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.platform.data.catalogue import reading
from yici.platform.data.lake.layout import work_root
from yici.platform.data.models import Channel, ClassChannel, PushNonce, Run
from yici.platform.data.runs.starting import keep_and_queue
from yici.platform.data.sources import connections
from yici.platform.data.sources.defaults import completed
from yici.platform.data.sources.interface.signing import PushRefused, verify_push

__all__ = ["accept"]

LONGEST = 64 * 1024 * 1024  # bytes of one push; larger deliveries come as files


def accept(class_id: str, headers: Mapping[str, str], body: bytes, path: str, query: str) -> Run:
    """Check the signature with the secret of the class's own interface channel, keep the bytes, queue the run.

    Raises `PushRefused` for whatever cannot be trusted, an unknown class among it: a stranger learns nothing.
    """
    channel = (
        ClassChannel.objects.select_related("data_class")
        .filter(data_class=class_id, kind=Channel.INTERFACE, withdrawn_at=None, data_class__is_described=True)
        .first()
    )
    secret = _secret(channel) if channel else ""
    push = verify_push(headers, body, secret, clock.now().timestamp(), (), path=path, query=query)
    assert channel is not None
    _use_once(push.nonce, dt.datetime.fromtimestamp(push.forget_at, dt.UTC))
    with tempfile.NamedTemporaryFile(dir=work_root()) as kept:
        kept.write(body)
        kept.flush()
        name = f"push-{clock.now():%Y%m%d-%H%M%S}"
        return keep_and_queue(channel, Path(kept.name), name, Run.Trigger.PUSH)


def _secret(channel: ClassChannel) -> str:
    options = completed(channel.kind, channel.options, reading.definition_of(channel.data_class))
    found = connections.connections().get(str(options.get("connection", "")))
    return connections.secret(found.secret) if found else ""


def _use_once(nonce: str, forget_at: dt.datetime) -> None:
    PushNonce.objects.filter(forget_at__lt=clock.now()).delete()
    try:
        with transaction.atomic():
            PushNonce.objects.create(nonce=nonce, forget_at=forget_at)
    except IntegrityError:
        raise PushRefused(_("这次推送已经收到过，请勿重复发送；新的推送请用新的随机数。"), code="replayed") from None
