"""Mounted at the root of the site. `/verify/`, `/shares/`, `/certificates/`, `/time-stamp/` and the issuer's key are public; `/my/` is for whoever is signed in, `/desk/` for staff."""

from django.urls import include, path

from yici.platform.trust.pages import checking, desk, sharing, wallet

urlpatterns = [
    path("", include("yici.platform.trust.papers.urls")),
    path("", include("yici.platform.trust.signatures.urls")),
    path("time-stamp/", checking.time_stamp, name="time-stamp"),
    path(".well-known/jwt-vc-issuer", checking.issuer_metadata, name="jwt-vc-issuer"),
    path("verify/", checking.verify, name="verify"),
    path("verify/<str:code>/", checking.verify_code, name="verify-code"),
    path("certificates/", checking.certificate_registry, name="certificate-registry"),
    path("desk/certificates/", desk.overview, name="desk-certificates"),
    path("desk/certificates/making/", desk.making, name="desk-making"),
    path("desk/certificates/<str:identifier>/", desk.one, name="desk-certificate"),
    path("desk/certificates/<str:identifier>/act/", desk.act, name="desk-certificate-act"),
    path("my/certificates/", wallet.my_certificates, name="my-certificates"),
    path("my/certificates/<str:identifier>/", wallet.my_certificate, name="my-certificate"),
    path("my/certificates/<str:identifier>/file/<str:format>/", wallet.my_certificate_file, name="my-certificate-file"),
    path("my/certificates/<str:identifier>/show/", sharing.show, name="my-certificate-show"),
    path("my/certificates/<str:identifier>/share/", sharing.share, name="my-certificate-share"),
    path("my/shares/", sharing.my_shares, name="my-shares"),
    path("my/shares/<int:share_id>/end/", sharing.end_share, name="my-share-end"),
    path("shares/", sharing.enter_code, name="share-code"),
    path("shares/<str:code>/", sharing.open_share, name="share-open"),
]
