"""The hash tree over SM3: every record is provable, no changed one is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yici.platform.trust.making import tree


@given(records=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=70, unique=True))
def test_every_record_is_provable_and_no_other(records: list[bytes]) -> None:
    leaves = [tree.leaf_hash(record) for record in records]
    root = tree.root_of(leaves)
    for place, record in enumerate(records):
        proof = tree.prove(leaves, place)
        assert tree.verify(record, proof, root)
        assert not tree.verify(record + b"x", proof, root)
        if len(records) > 1:
            other = records[(place + 1) % len(records)]
            assert not tree.verify(other, proof, root)


def test_a_full_batch_needs_twelve_steps() -> None:
    leaves = [tree.leaf_hash(str(number).encode()) for number in range(tree.BATCH)]
    assert len(tree.prove(leaves, 1234)) == 12
    assert tree.split(b"".join(leaves)) == leaves


def test_a_node_is_never_taken_for_a_record() -> None:
    """Second pre-image: the bytes under an inner node are no record of the same tree."""
    leaves = [tree.leaf_hash(one) for one in (b"a", b"b", b"c", b"d")]
    root = tree.root_of(leaves)
    inner = leaves[0] + leaves[1]
    assert not tree.verify(inner, tree.prove([tree.root_of(leaves[:2]), tree.root_of(leaves[2:])], 0), root)


def test_the_hash_is_sm3_of_the_standard() -> None:
    """GB/T 32905 appendix A: SM3("abc")."""
    import hashlib

    assert hashlib.new("sm3", b"abc").hexdigest() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_a_place_outside_the_batch_is_refused() -> None:
    with pytest.raises(IndexError):
        tree.prove([b"0" * 32], 1)
