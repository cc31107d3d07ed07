"""Making columns of text from numbers without a Python loop over rows: fixed-width digits, joins, check digits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from yici.platform.data.generating.draws import Ints

Matrix = NDArray[np.uint8]  # rows × characters, ASCII
_ZERO = 48
ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int32)  # GB 11643 §4
_ID_REMAINDERS = np.frombuffer(b"10X98765432", dtype=np.uint8)
USCC_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHJKLMNPQRTUWXY", dtype=np.uint8)  # GB 32100: no I, O, S, V, Z
VIN_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHJKLMNPRSTUVWXYZ", dtype=np.uint8)  # GB 16735: no I, O, Q
_VIN_VALUES = np.zeros(128, dtype=np.int32)
for _character, _value in zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", "012345678912345678123457923456789", strict=True):
    _VIN_VALUES[ord(_character)] = int(_value)
_VIN_WEIGHTS = np.array([8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2], dtype=np.int32)


def digits(numbers: Ints, width: int) -> Matrix:
    """Decimal digits of `numbers`, zero-filled to `width`."""
    found = np.empty((len(numbers), width), dtype=np.uint8)
    rest = numbers.astype(np.int64)
    for place in range(width - 1, -1, -1):
        rest, digit = np.divmod(rest, 10)
        found[:, place] = digit
    found += _ZERO
    return found


def spelled(numbers: Ints, width: int, alphabet: NDArray[np.uint8]) -> Matrix:
    """`numbers` in the base of the alphabet, filled to `width`."""
    found = np.empty((len(numbers), width), dtype=np.uint8)
    rest = numbers.astype(np.int64)
    for place in range(width - 1, -1, -1):
        rest, digit = np.divmod(rest, len(alphabet))
        found[:, place] = alphabet[digit]
    return found


def column(matrix: Matrix) -> pa.Array:
    """The rows of an ASCII matrix as an Arrow text column, without copying the characters."""
    rows, width = matrix.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(
        rows, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(matrix).reshape(-1))
    )


def joined(*parts: pa.Array | str) -> pa.Array:
    """The parts written one after the other; a null in one makes a null."""
    return pc.binary_join_element_wise(*parts, "")


def taken(values: Sequence[str] | pa.Array, places: Ints) -> pa.Array:
    """`values[places]` as text."""
    pool = values if isinstance(values, pa.Array) else pa.array(list(values), pa.string())
    return pool.take(pa.array(places))


def number_text(numbers: Ints) -> pa.Array:
    return pc.cast(pa.array(numbers), pa.string())


def where(condition: NDArray[np.bool_], yes: pa.Array | str | None, no: pa.Array | str | None) -> pa.Array:
    """`yes` where the condition holds, else `no`; None is null."""
    text = pa.string()
    left = yes if isinstance(yes, pa.Array) else pa.scalar(yes, text)
    right = no if isinstance(no, pa.Array) else pa.scalar(no, text)
    return pc.if_else(pa.array(condition), left, right)


def with_id_check(first_seventeen: Matrix) -> Matrix:
    """GB 11643 numbers from their first 17 digits (ISO 7064 MOD 11-2)."""
    total = (first_seventeen.astype(np.int32) - _ZERO) @ ID_WEIGHTS
    return np.hstack([first_seventeen, _ID_REMAINDERS[total % 11][:, None]])


def _values(matrix: Matrix) -> NDArray[np.int64]:
    table = np.zeros(128, dtype=np.int64)
    table[USCC_ALPHABET] = np.arange(31)
    return table[matrix]


def with_uscc_check(first_seventeen: Matrix) -> Matrix:
    """GB 32100 codes from their first 17 characters."""
    weights = np.array([pow(3, place, 31) for place in range(17)], dtype=np.int64)
    return np.hstack([first_seventeen, USCC_ALPHABET[-(_values(first_seventeen) @ weights) % 31][:, None]])


def organisation_code(serials: Ints, prefix: bytes = b"MA") -> Matrix:
    """GB 11714 codes: `prefix`, six characters of a serial number, check character. At most 31⁶ of a prefix."""
    head = np.tile(np.frombuffer(prefix, dtype=np.uint8), (len(serials), 1))
    eight = np.hstack([head, spelled(serials, 8 - len(prefix), USCC_ALPHABET)])
    values = np.zeros(128, dtype=np.int64)
    values[48:58], values[65:91] = np.arange(10), np.arange(10, 36)
    total = values[eight] @ np.array([3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
    checks = np.frombuffer(b"0123456789X0", dtype=np.uint8)  # 11 stands for 0, 10 for X
    return np.hstack([eight, checks[(11 - total % 11) % 12][:, None]])


def with_vin_check(seventeen: Matrix) -> Matrix:
    """The same with place 9 made right (GB 16735 annex A)."""
    seventeen = seventeen.copy()
    remainder = (_VIN_VALUES[seventeen] @ _VIN_WEIGHTS) % 11
    seventeen[:, 8] = np.where(remainder == 10, ord("X"), remainder + _ZERO)
    return seventeen


def with_luhn(digits_before: Matrix) -> Matrix:
    """Card numbers from all digits but the last (ISO/IEC 7812-1)."""
    values = digits_before.astype(np.int64) - _ZERO
    doubled = values[:, ::-1].copy()
    doubled[:, 0::2] *= 2
    doubled[:, 0::2] -= np.where(doubled[:, 0::2] > 9, 9, 0)
    check = -doubled.sum(axis=1) % 10 + _ZERO
    return np.hstack([digits_before, check.astype(np.uint8)[:, None]])


def scattered(serials: Ints, capacity: int, stride: int) -> Ints:
    """A bijection of [0, capacity) that leaves no visible order; `stride` must be prime to `capacity`."""
    return (serials % capacity) * stride % capacity
