"""Model fields whose values are sealed in the database: plain in Python, unreadable in a dump or a stolen disk.

They cannot be searched; where a value must be found, a `BlindIndexField` stands beside it. Each is bound to its
table and column.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import models

from yici.base.sealing import keyring

__all__ = ["BlindIndexField", "SealedBytesField", "SealedJSONField", "SealedTextField", "index_of"]


class _Sealed(models.BinaryField):
    """The common part: seal on the way to the database, unseal on the way back."""

    _pyi_private_get_type: Any  # django-stubs: what an attribute of a model gives and takes
    _pyi_private_set_type: Any

    def _place(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"

    def _pack(self, value: Any) -> bytes:
        raise NotImplementedError

    def _unpack(self, value: bytes) -> Any:
        raise NotImplementedError

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else keyring().seal(self._pack(value), self._place())

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        sealed = value if prepared else self.get_prep_value(value)
        return None if sealed is None else connection.Database.Binary(sealed)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else self._unpack(keyring().unseal(value, self._place()))

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: Any) -> str:
        raise NotImplementedError("sealed values are not serialised")

    def get_lookup(self, lookup_name: str) -> Any:
        """Only `isnull`: sealed twice, the same value gives different bytes, so equality would find nothing."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None


class SealedBytesField(_Sealed):
    def _pack(self, value: Any) -> bytes:
        return bytes(value)

    def _unpack(self, value: bytes) -> Any:
        return value


class SealedTextField(_Sealed):
    def _pack(self, value: Any) -> bytes:
        return str(value).encode()

    def _unpack(self, value: bytes) -> Any:
        return value.decode()


class SealedJSONField(_Sealed):
    def _pack(self, value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()

    def _unpack(self, value: bytes) -> Any:
        return json.loads(value)


class BlindIndexField(models.BinaryField):
    """16 bytes made by `index_of`; equal for equal values of one place, and searchable."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "max_length": 16, "editable": False})


def index_of(value: str, place: str) -> bytes:
    """The blind index of a value. `place`: what kind of value it is (`person.id_number`), the same in every table."""
    return keyring().blind_index(value, place)
