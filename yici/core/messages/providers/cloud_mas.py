"""SMS by China Mobile cloud MAS, HTTP interface 2.0, 普通短信 `/sms/norsubmit`.

The body is Base64 of a JSON object; `mac` is the lower-case MD5 of the fields in the order given by the
manual. The gateway itself puts the registered signature (named by `sign`) in front of the text. The protocol
has no field for an idempotency key, so the key travels as `X-Request-Id`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from yici.base.errors import Unavailable
from yici.core.messages.providers import Refused

# Answers that no later attempt can change; anything else (wrong MAC, no quota) is mended by an operator.
_FINAL = {"InvalidMessage": "短信内容或号码不合要求", "TooManyMobiles": "号码过多"}


def send(phone: str, text: str, key: str, seconds: float = 10.0) -> str:
    """Hand one SMS to the gateway within `seconds`; returns its `msgGroup`."""
    request = _request(phone, re.sub(r"^【[^】]*】", "", text))
    body = base64.b64encode(json.dumps(request, ensure_ascii=False).encode())
    headers = {"X-Request-Id": key, "Content-Type": "text/plain"}
    timeout = httpx.Timeout(seconds, connect=min(seconds, 5.0))
    try:
        with httpx.Client(timeout=timeout, trust_env=False) as client:
            response = client.post(f"{settings.SMS_ENDPOINT.rstrip('/')}/sms/norsubmit", content=body, headers=headers)
        answer = response.json() if response.status_code == 200 else None
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(_("短信平台没有回应：%(error)s") % {"error": type(error).__name__}) from error
    if not isinstance(answer, dict):
        raise Unavailable(_("短信平台出错：HTTP %(status)s") % {"status": response.status_code})
    code = str(answer.get("rspcod", ""))
    if answer.get("success") is True and code == "success":
        return str(answer.get("msgGroup", ""))
    if code in _FINAL:
        raise Refused(f"{_FINAL[code]}（{code}）")
    raise Unavailable(_("短信平台未受理：%(code)s") % {"code": code or "-"})


def _request(phone: str, content: str) -> dict[str, str]:
    account = settings.SMS_ACCOUNT
    fields = {
        "ecName": account["ecName"],
        "apId": account["apId"],
        "mobiles": phone,
        "content": content,
        "sign": account["sign"],
        "addSerial": "",
    }
    signed = [fields["ecName"], fields["apId"], account["secretKey"], phone, content, fields["sign"], ""]
    # MD5 is what the partner's protocol asks for; it protects nothing of ours
    fields["mac"] = hashlib.md5("".join(signed).encode(), usedforsecurity=False).hexdigest()
    return fields
