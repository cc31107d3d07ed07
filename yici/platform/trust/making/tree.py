"""A hash tree over SM3 (GB/T 32905), in the shape of RFC 6962: leaves and nodes are told apart by their first byte.

One signature over the root stands for every record; a proof of 12 hashes shows that a record is among them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["BATCH", "Proof", "Step", "leaf_hash", "prove", "root_of", "verify"]

BATCH = 4096
_SIZE = 32
_LEAF = hashlib.new("sm3", b"\x00")
_NODE = hashlib.new("sm3", b"\x01")


def leaf_hash(record: bytes) -> bytes:
    digest = _LEAF.copy()
    digest.update(record)
    return digest.digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    digest = _NODE.copy()
    digest.update(left + right)
    return digest.digest()


@dataclass(frozen=True)
class Step:
    """One sibling on the way up; `is_left`: it stands to the left of what is proven."""

    hash: bytes
    is_left: bool


Proof = tuple[Step, ...]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes, at least one. A node without a sibling is carried up as it is."""
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def _above(level: list[bytes]) -> list[bytes]:
    pairs = [_node_hash(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
    return [*pairs, level[-1]] if len(level) % 2 else pairs


def prove(leaves: Sequence[bytes], place: int) -> Proof:
    """The proof that the leaf at `place` is under the root. Raises `IndexError` outside the leaves."""
    if not 0 <= place < len(leaves):
        raise IndexError(place)
    steps: list[Step] = []
    level = list(leaves)
    while len(level) > 1:
        sibling = place ^ 1
        if sibling < len(level):
            steps.append(Step(level[sibling], sibling < place))
        level, place = _above(level), place // 2
    return tuple(steps)


def verify(record: bytes, proof: Proof, root: bytes) -> bool:
    """Whether the record, whole and unchanged, is under the root."""
    found = leaf_hash(record)
    for step in proof:
        found = _node_hash(step.hash, found) if step.is_left else _node_hash(found, step.hash)
    return found == root


def split(leaves: bytes | memoryview) -> list[bytes]:
    """Leaf hashes as a batch keeps them, one after the other."""
    whole = bytes(leaves)
    return [whole[place : place + _SIZE] for place in range(0, len(whole), _SIZE)]
