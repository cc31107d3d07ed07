"""Addresses of paying. `/pay/` is for providers and for anybody who checks a receipt; `/my/` for payers; `/desk/` for staff."""

from __future__ import annotations

from django.urls import path

from yici.platform.pay.pages import payer, public

urlpatterns = [
    path("pay/notice/<str:provider>/", public.notice, name="pay-notice"),
    path("pay/receipts/<str:identifier>/", public.receipt, name="pay-receipt-check"),
    path("my/payments/", payer.orders, name="pay-my"),
    path("my/payments/<str:number>/", payer.order, name="pay-my-order"),
    path("my/payments/<str:number>/pay/", payer.begin, name="pay-my-begin"),
    path("my/payments/<str:number>/wait/<str:provider>/", payer.wait, name="pay-my-wait"),
    path("my/payments/<str:number>/cancel/", payer.cancel, name="pay-my-cancel"),
]
