"""Proof: content-addressed files with type check, trust level and retention."""
