"""Remembering: who read or changed what, and why; tamper-evident."""
