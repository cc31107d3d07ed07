"""Whose address a limit counts: the caller's, whatever a caller claims."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from yici.core.people.services.accounts import address_of


@pytest.mark.parametrize(
    ("nearest", "forwarded", "counted"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # a caller that forges the header
        ("10.0.0.2", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "1.2.3.4, 198.51.100.1", "198.51.100.1"),  # what stands further left was said by the caller
        ("10.0.0.2", "198.51.100.1, 10.0.0.3", "198.51.100.1"),
        ("10.0.0.2", "", "10.0.0.2"),
    ],
)
def test_only_trusted_proxies_are_believed(settings: Any, nearest: str, forwarded: str, counted: str) -> None:
    settings.TRUSTED_PROXIES = frozenset({"10.0.0.2", "10.0.0.3"})
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=nearest)
    assert address_of(request) == counted
