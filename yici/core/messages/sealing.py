"""Keeping a one-time code unreadable in the database while it waits to be sent."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from yici.core.messages.providers import Refused


def seal(text: str) -> str:
    return _box().encrypt(text.encode()).decode()


def unseal(token: str) -> str:
    """Raises `Refused` when the site's secret key has changed since."""
    try:
        return _box().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise Refused("短信内容已无法读取（站点密钥已更换）") from error


def _box() -> Fernet:
    digest = hashlib.sha256(b"yici.messages.sealing:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
