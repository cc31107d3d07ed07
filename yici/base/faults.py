"""What pydantic finds wrong, as sentences of ours have it."""

from __future__ import annotations

from pydantic import ValidationError

__all__ = ["faults_of", "first_fault"]


def faults_of(error: ValidationError) -> list[tuple[str, str]]:
    """Where and what, in pydantic's order; the place with dots between its steps."""
    return [(".".join(map(str, one["loc"])), str(one["msg"])) for one in error.errors()]


def first_fault(error: ValidationError) -> str:
    """Place and message of the first."""
    where, message = faults_of(error)[0]
    return f"{where} {message}"
