"""Mounted at the root of the site. `/verify/`, `/shares/`, `/time-stamp/` and the issuer's key are public; `/my/` is for whoever is signed in."""

from django.urls import include, path

from yici.platform.trust.pages import checking, sharing, wallet

urlpatterns = [
    path("", include("yici.platform.trust.papers.urls")),
    path("", include("yici.platform.trust.signatures.urls")),
    path("time-stamp/", checking.time_stamp, name="time-stamp"),
    path(".well-known/jwt-vc-issuer", checking.issuer_metadata, name="jwt-vc-issuer"),
    path("verify/", checking.verify, name="verify"),
    path("verify/<str:code>/", checking.verify_code, name="verify-code"),
    path("my/certificates/", wallet.my_certificates, name="my-certificates"),
    path("my/certificates/<str:identifier>/", wallet.my_certificate, name="my-certificate"),
    path("my/certificates/<str:identifier>/file/", wallet.my_certificate_file, name="my-certificate-file"),
    path("my/certificates/<str:identifier>/show/", sharing.show, name="my-certificate-show"),
    path("my/certificates/<str:identifier>/share/", sharing.share, name="my-certificate-share"),
    path("my/shares/", sharing.my_shares, name="my-shares"),
    path("my/shares/<int:share_id>/end/", sharing.end_share, name="my-share-end"),
    path("shares/", sharing.enter_code, name="share-code"),
    path("shares/<str:code>/", sharing.open_share, name="share-open"),
]
