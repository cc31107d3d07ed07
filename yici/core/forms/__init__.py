"""Asking: form definitions, prefill with provenance, validation, drafts."""
