"""Mounted at the root of the site: the provider under the names that allauth looks for, and the registry of clients."""

from allauth.idp.oidc import views
from django.urls import include, path

from yici.platform.trust.oidc import pages

_provider = [
    path(".well-known/openid-configuration", pages.metadata, name="configuration"),
    path(".well-known/jwks.json", views.jwks, name="jwks"),
    path("identity/o/authorize", pages.Authorize.as_view(), name="authorization"),
    path("identity/o/api/token", pages.Token.as_view(), name="token"),
    path("identity/o/api/userinfo", views.user_info, name="userinfo"),
    path("identity/o/api/revoke", views.revoke, name="revoke"),
    path("identity/o/api/introspect", views.introspect, name="introspect"),
]
urlpatterns = [
    path("", include(([path("", include((_provider, "oidc")))], "idp"))),
    path("desk/clients/", pages.registry, name="oidc-registry"),
    path("desk/clients/<slug:client_id>/", pages.change, name="oidc-change"),
]
