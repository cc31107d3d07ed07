"""Signatures: the CSC API (bearer token), the revocation list (public)."""

from django.urls import path

from yici.platform.trust.signatures import pages
from yici.platform.trust.signatures.csc import pages as csc

urlpatterns = [
    path("trust/people.crl", pages.revocation_list, name="people-crl"),
    path("csc/v1/info", csc.info),
    path("csc/v1/credentials/list", csc.credentials_list),
    path("csc/v1/credentials/info", csc.credentials_info),
    path("csc/v1/credentials/authorize", csc.credentials_authorize),
    path("csc/v1/signatures/signHash", csc.sign_hash),
    path("csc/v1/signatures/timestamp", csc.timestamp),
]
