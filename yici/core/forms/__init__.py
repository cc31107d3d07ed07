"""Asking: form definitions, prefill with provenance, validation in one place, drafts kept on the server."""
