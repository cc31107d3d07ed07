"""Mounted at the root of the site. `/my/identity/` is the citizen's own, `/desk/identity/` needs identity.vouch."""

from django.urls import path

from yici.platform.trust.identity import pages

urlpatterns = [
    path("my/identity/", pages.overview, name="identity"),
    path("my/identity/face/", pages.by_face, name="identity-face"),
    path("my/identity/window/", pages.by_window, name="identity-window"),
    path("my/identity/passkey/", pages.by_passkey, name="identity-passkey"),
    path("my/identity/forget/", pages.forget, name="identity-forget"),
    path("desk/identity/", pages.vouch, name="identity-vouch"),
]
