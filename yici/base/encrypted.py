"""Model fields whose values are sealed in the database: plain in Python, unreadable in a dump or a stolen disk.

They cannot be sorted or searched by parts. Where a value must be found, a `BlindIndexField` stands beside it, fills
itself, and answers `field=value` and `field__in=[…]` on the sealed field. Each value is bound to its table and column.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from django.db import models
from django.db.models.expressions import Col
from django.db.models.lookups import Exact, In

from yici.base.sealing import keyring

__all__ = ["BlindIndexField", "Sealed", "SealedBytesField", "SealedJSONField", "SealedTextField", "index_of"]

_LONG = 1000  # bytes
_DEFLATED = b"\x78"  # how zlib begins (RFC 1950), and no JSON text does


class Sealed(models.BinaryField):
    """The common part: seal on the way to the database, unseal on the way back."""

    _pyi_private_get_type: Any  # django-stubs: what an attribute of a model gives and takes
    _pyi_private_set_type: Any

    @property
    def place(self) -> str:
        """What its values are bound to."""
        return f"{self.model._meta.db_table}.{self.column}"

    def _pack(self, value: Any) -> bytes:
        raise NotImplementedError

    def _unpack(self, value: bytes) -> Any:
        raise NotImplementedError

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else keyring().seal(self._pack(value), self.place)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        sealed = value if prepared else self.get_prep_value(value)
        return None if sealed is None else connection.Database.Binary(sealed)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else self._unpack(keyring().unseal(value, self.place))

    def to_python(self, value: Any) -> Any:
        return value

    def _check_str_default_value(self) -> list[Any]:
        return []  # in Python the value is what it means, text with a text for default

    def value_to_string(self, obj: Any) -> str:
        raise NotImplementedError("sealed values are not serialised")

    def get_lookup(self, lookup_name: str) -> Any:
        """`isnull`, and equality where a blind index stands beside: sealed twice, the same value gives different bytes."""
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        return _BY_INDEX.get(lookup_name) if self._index() else None

    def _index(self) -> BlindIndexField | None:
        """The blind index of this field, if its model has one."""
        found = (
            one for one in self.model._meta.local_fields if isinstance(one, BlindIndexField) and one.of == self.name
        )
        return next(found, None)


class SealedBytesField(Sealed):
    def _pack(self, value: Any) -> bytes:
        return bytes(value)

    def _unpack(self, value: bytes) -> Any:
        return value


class SealedTextField(Sealed):
    def _pack(self, value: Any) -> bytes:
        return str(value).encode()

    def _unpack(self, value: bytes) -> Any:
        return value.decode()


class SealedJSONField(Sealed):
    """What is long is deflated before it is sealed, as PostgreSQL would have done with it in clear."""

    def _pack(self, value: Any) -> bytes:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        return zlib.compress(text, 1) if len(text) > _LONG else text

    def _unpack(self, value: bytes) -> Any:
        return json.loads(zlib.decompress(value) if value[:1] == _DEFLATED else value)


class BlindIndexField(models.BinaryField):
    """16 bytes made by `index_of`; equal for equal values of one place, and searchable.

    `of`: the sealed field beside it, from which it fills itself whenever a row is saved; `place`: what kind of value
    that is (`person.id_number`). Empty values have no index. `QuerySet.update` does not fill it.
    """

    def __init__(self, *args: Any, of: str = "", place: str = "", **kwargs: Any) -> None:
        self.of, self.place = of, place
        super().__init__(*args, **{**kwargs, "max_length": 16, "editable": False})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_length"]
        return name, path, args, {**kwargs, "of": self.of, "place": self.place}

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if not self.of:
            return super().pre_save(model_instance, add)
        value = getattr(model_instance, self.of)
        index = index_of(value, self.place) if value else None
        setattr(model_instance, self.attname, index)
        return index


def _beside(lookup: Any) -> tuple[Any, BlindIndexField]:
    """The column of the blind index that stands beside the sealed one of a lookup."""
    index = lookup.lhs.target._index()
    return Col(lookup.lhs.alias, index), index


class _ExactByIndex(Exact):  # type: ignore[type-arg]
    """`field=value`, asked of the blind index."""

    def get_prep_lookup(self) -> Any:
        return self.rhs

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, index = _beside(self)
        return Exact(column, index_of(str(self.rhs), index.place)).as_sql(compiler, connection)


class _InByIndex(In):  # type: ignore[type-arg]
    """`field__in=[…]`, asked of the blind index."""

    def get_prep_lookup(self) -> Any:
        return self.rhs

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, index = _beside(self)
        return In(column, [index_of(str(value), index.place) for value in self.rhs]).as_sql(compiler, connection)


_BY_INDEX = {"exact": _ExactByIndex, "in": _InByIndex}


def index_of(value: str, place: str) -> bytes:
    """The blind index of a value. `place`: what kind of value it is (`person.id_number`), the same in every table."""
    return keyring().blind_index(value, place)
