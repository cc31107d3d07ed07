"""Credentials with selective disclosure, derived from any certificate of the library."""
