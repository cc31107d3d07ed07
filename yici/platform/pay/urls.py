"""Addresses of paying. `/pay/` is for providers and for anybody who checks a receipt; `/my/` for payers; `/desk/` for staff."""

from __future__ import annotations

from django.urls import path

from yici.platform.pay.pages import bills, cashier, fees, finance, payer, public

urlpatterns = [
    path("pay/notice/<str:provider>/", public.notice, name="pay-notice"),
    path("pay/receipts/<str:identifier>/", public.receipt, name="pay-receipt-check"),
    path("my/payments/", payer.orders, name="pay-my"),
    path("my/payments/export/", payer.export, name="pay-my-export"),
    path("my/payments/<str:number>/", payer.order, name="pay-my-order"),
    path("my/payments/<str:number>/pay/", payer.begin, name="pay-my-begin"),
    path("my/payments/<str:number>/wait/<str:provider>/", payer.wait, name="pay-my-wait"),
    path("my/payments/<str:number>/cancel/", payer.cancel, name="pay-my-cancel"),
    path("my/bills/", bills.choose, name="pay-billers"),
    path("my/bills/<slug:biller>/", bills.bills, name="pay-bills"),
    path("my/bills/<slug:biller>/pay/", bills.pay, name="pay-bills-pay"),
    path("desk/pay/", cashier.orders, name="pay-desk-orders"),
    path("desk/pay/export/", cashier.export, name="pay-desk-orders-export"),
    path("desk/pay/orders/<str:number>/", cashier.order, name="pay-desk-order"),
    path("desk/pay/orders/<str:number>/refund/", cashier.refund, name="pay-desk-refund"),
    path("desk/pay/orders/<str:number>/ask/", cashier.ask, name="pay-desk-ask"),
    path("desk/pay/reconciliation/", finance.reconciliation, name="pay-desk-reconciliation"),
    path("desk/pay/reconciliation/run/", finance.run, name="pay-desk-run"),
    path("desk/pay/reconciliation/<str:provider>/<str:day>/", finance.bill, name="pay-desk-bill"),
    path("desk/pay/reconciliation/<str:provider>/<str:day>/export/", finance.export, name="pay-desk-bill-export"),
    path("desk/pay/reconciliation/<str:provider>/<str:day>/rows/<str:side>/", finance.rows, name="pay-desk-rows"),
    path("desk/pay/differences/<int:difference_id>/", finance.decide, name="pay-desk-decide"),
    path("desk/pay/ledger/", finance.accounts, name="pay-desk-accounts"),
    path("desk/pay/ledger/verify/", finance.verify, name="pay-desk-verify"),
    path("desk/pay/ledger/<int:account_id>/", finance.entries, name="pay-desk-entries"),
    path("desk/pay/ledger/<int:account_id>/export/", finance.export_entries, name="pay-desk-entries-export"),
    path("desk/pay/fees/", fees.fees, name="pay-desk-fees"),
    path("desk/pay/fees/export/", fees.export, name="pay-desk-fees-export"),
    path("desk/pay/fees/<slug:code>/", fees.fee, name="pay-desk-fee"),
    path("desk/pay/fees/<slug:code>/propose/", fees.propose, name="pay-desk-propose"),
    path("desk/pay/fees/<slug:code>/review/", fees.review, name="pay-desk-review"),
]
