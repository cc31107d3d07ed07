"""Signatures: the CSC API (bearer token); revocation list and roots (public); `/my/signing…` for who is signed in."""

from django.urls import path

from yici.platform.trust.signatures import pages
from yici.platform.trust.signatures.csc import pages as csc

urlpatterns = [
    path("trust/people.crl", pages.revocation_list, name="people-crl"),
    path("trust/city.crt", pages.root, {"name": "city"}, name="city-root"),
    path("trust/people.crt", pages.root, {"name": "people"}, name="people-root"),
    path("csc/v1/info", csc.info),
    path("csc/v1/credentials/list", csc.credentials_list),
    path("csc/v1/credentials/info", csc.credentials_info),
    path("csc/v1/credentials/authorize", csc.credentials_authorize),
    path("csc/v1/signatures/signHash", csc.sign_hash),
    path("csc/v1/signatures/timestamp", csc.timestamp),
    path("my/signing/", pages.my_signing, name="my-signing"),
    path("my/signing/new/", pages.new, name="signing-new"),
    path("my/signing-key/", pages.my_key, name="signing-key"),
    path("my/signing/<str:number>/", pages.signing, name="signing"),
    path("my/signing/<str:number>/read/<int:page>/", pages.read, name="signing-read"),
    path("my/signing/<str:number>/page/<int:page>.png", pages.page_picture, name="signing-picture"),
    path("my/signing/<str:number>/sign/", pages.sign, name="signing-sign"),
    path("my/signing/<str:number>/decline/", pages.decline, name="signing-decline"),
    path("my/signing/<str:number>/cancel/", pages.cancel, name="signing-cancel"),
    path("my/signing/<str:number>/remind/", pages.remind, name="signing-remind"),
    path("my/signing/<str:number>/signers/<int:signer_id>/", pages.change_signer, name="signing-signer"),
    path("my/signing/<str:number>/document/", pages.document, name="signing-document"),
    path("my/signing/<str:number>/evidence/", pages.evidence_file, name="signing-evidence"),
]
