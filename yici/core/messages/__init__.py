"""Telling: in-app, SMS, e-mail, webhooks; an outbox that loses nothing."""
