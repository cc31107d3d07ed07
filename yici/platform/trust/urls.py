"""Mounted at the root of the site. `/verify/` is public; `/my/` is for whoever is signed in."""

from django.urls import path

from yici.platform.trust import pages

urlpatterns = [
    path("verify/", pages.verify, name="verify"),
    path("verify/<str:code>/", pages.verify_code, name="verify-code"),
    path("my/certificates/", pages.my_certificates, name="my-certificates"),
    path("my/certificates/<int:certificate_id>/", pages.my_certificate, name="my-certificate"),
    path("my/certificates/<int:certificate_id>/file/", pages.my_certificate_file, name="my-certificate-file"),
]
