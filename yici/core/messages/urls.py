"""Mounted at the root of the site."""

from django.urls import path

from yici.core.messages import pages

urlpatterns = [
    path("my/messages/", pages.my_messages, name="my-messages"),
    path("my/messages/read/", pages.read_all, name="my-messages-read"),
    path("my/messages/<int:message_id>/", pages.open_message, name="my-message"),
    path("desk/inbox/", pages.desk_inbox, name="desk-inbox"),
    path("desk/inbox/read/", pages.desk_read_all, name="desk-inbox-read"),
    path("desk/inbox/<int:message_id>/", pages.desk_open_message, name="desk-inbox-message"),
    path("desk/messages/", pages.outbox, name="desk-messages"),
    path("desk/messages/<int:delivery_id>/retry/", pages.retry, name="desk-message-retry"),
]
