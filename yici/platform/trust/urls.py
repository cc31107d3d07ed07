"""Mounted at the root of the site. `/verify/`, `/time-stamp/` and the issuer's key are public; `/my/` is for whoever is signed in."""

from django.urls import include, path

from yici.platform.trust import pages

urlpatterns = [
    path("", include("yici.platform.trust.signatures.urls")),
    path("time-stamp/", pages.time_stamp, name="time-stamp"),
    path(".well-known/jwt-vc-issuer", pages.issuer_metadata, name="jwt-vc-issuer"),
    path("verify/", pages.verify, name="verify"),
    path("verify/<str:code>/", pages.verify_code, name="verify-code"),
    path("my/certificates/", pages.my_certificates, name="my-certificates"),
    path("my/certificates/<int:certificate_id>/", pages.my_certificate, name="my-certificate"),
    path("my/certificates/<int:certificate_id>/file/", pages.my_certificate_file, name="my-certificate-file"),
]
