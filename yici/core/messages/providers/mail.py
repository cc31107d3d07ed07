"""E-mail by SMTP, through Django's mail backend. The Message-ID is the delivery's key, so doubles are seen."""

from __future__ import annotations

import smtplib
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from yici.base.errors import Unavailable
from yici.core.messages.providers import Refused


def send(address: str, payload: dict[str, Any], key: str, seconds: float = 15.0) -> str:
    """`payload`: subject, text. Returns the Message-ID."""
    message_id = f"<{key}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2].strip('>')}>"
    message = EmailMessage(
        subject=" ".join(str(payload["subject"]).split()),
        body=payload["text"],
        to=[address],
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"},
        connection=get_connection(timeout=seconds),
    )
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _text in error.recipients.values()]
        if codes and all(code >= 500 for code in codes):
            raise Refused(f"收件地址被拒绝（{codes[0]}）") from error
        raise Unavailable(f"邮件服务器暂不接收（{codes}）") from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable(f"邮件服务器没有回应：{type(error).__name__}") from error
    return message_id
