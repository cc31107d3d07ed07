"""Sign-in (anybody), the citizen's own pages, staff administration (role.manage), access log (audit.view)."""

from django.urls import path, re_path

from yici.core.people.pages import audit_log, citizen, sign_in, staff, staff_accounts

app_name = "people"

urlpatterns = [
    path("login/", sign_in.citizen, name="login"),
    path("login/code/<str:token>/", sign_in.code, name="login_code"),
    path("login/staff/", sign_in.staff, name="login_staff"),
    path("login/staff/second/", sign_in.second, name="login_second"),
    path("login/staff/enrol/", sign_in.enrol, name="login_enrol"),
    path("logout/", sign_in.leave, name="logout"),
    path("my/record/", citizen.record, name="record"),
    path("my/delegations/", citizen.delegations, name="delegations"),
    re_path(r"^my/delegations/(?P<direction>give|ask)/$", citizen.delegation_add, name="delegation_add"),
    path("my/delegations/<int:delegation_id>/accept/", citizen.delegation_accept, name="delegation_accept"),
    path("my/delegations/<int:delegation_id>/revoke/", citizen.delegation_revoke, name="delegation_revoke"),
    path("my/settings/", citizen.own_settings, name="settings"),
    path("login/staff/begin/<str:token>/", staff_accounts.begin, name="staff_begin"),
    path("desk/staff/", staff_accounts.accounts, name="staff_accounts"),
    path("desk/staff/<int:account_id>/", staff_accounts.change, name="staff_change"),
    path("desk/people/", staff.accounts, name="accounts"),
    path("desk/people/<int:account_id>/", staff.account, name="account"),
    path("desk/people/<int:account_id>/revoke/<int:grant_id>/", staff.revoke, name="revoke"),
    path("desk/people/<int:account_id>/reset/", staff.reset, name="reset"),
    path("desk/security/", staff.security, name="security"),
    path("desk/audit/", audit_log.log, name="audit"),
    path("desk/audit/verify/", audit_log.verify, name="audit_verify"),
]
