"""SM2 by the system's library, against the example of the standard and against gmalg, which nobody here wrote."""

from __future__ import annotations

import hashlib
from typing import Any

import gmalg
import pytest
from asn1crypto import keys
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from yici.base.errors import Misconfigured
from yici.platform.trust.signatures import sm2

# GB/T 32918.5 annex A: a signature with the recommended curve.
POINT = bytes.fromhex(
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
SECRET = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
DIGEST = bytes.fromhex("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640")
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA


def info(point: bytes) -> bytes:
    algorithm = {"algorithm": "ec", "parameters": keys.ECDomainParameters(name="named", value=sm2.CURVE)}
    return bytes(keys.PublicKeyInfo({"algorithm": algorithm, "public_key": keys.ECPointBitString(point)}).dump())


def point_of(public: bytes) -> bytes:
    return bytes(keys.PublicKeyInfo.load(public)["public_key"].native)


def test_the_example_of_the_standard_is_verified() -> None:
    public = info(POINT)
    assert sm2.digest(public, b"message digest") == DIGEST
    assert sm2.verify_digest(public, DIGEST, encode_dss_signature(R, S))
    assert not sm2.verify_digest(public, DIGEST, encode_dss_signature(S, R))


def test_gmalg_verifies_our_signature_and_we_verify_its() -> None:
    key = sm2.PrivateKey.generate()
    public = key.public_key_info()
    other = gmalg.SM2(sk=None, uid=sm2.DEFAULT_ID, pk=point_of(public))
    message = "公司章程".encode()
    r, s = decode_dss_signature(key.sign_digest(sm2.digest(public, message)))
    assert other.verify(message, r.to_bytes(32, "big"), s.to_bytes(32, "big"))
    assert not other.verify(message + b".", r.to_bytes(32, "big"), s.to_bytes(32, "big"))
    theirs = gmalg.SM2(sk=SECRET, uid=sm2.DEFAULT_ID, pk=POINT)
    r_bytes, s_bytes = theirs.sign(message)[:2]
    der = encode_dss_signature(int.from_bytes(r_bytes, "big"), int.from_bytes(s_bytes, "big"))
    assert sm2.verify_digest(info(POINT), sm2.digest(info(POINT), message), der)


@pytest.fixture(scope="module")
def signed() -> tuple[bytes, bytes, bytes]:
    key = sm2.PrivateKey.generate()
    digest = hashlib.new("sm3", b"x").digest()
    return key.public_key_info(), digest, key.sign_digest(digest)


@settings(max_examples=60)
@given(place=st.integers(0, 69), bit=st.integers(0, 7))
def test_a_changed_bit_is_refused(signed: Any, place: int, bit: int) -> None:
    public, digest, signature = signed
    changed = bytearray(signature)
    changed[place % len(changed)] ^= 1 << bit
    assert not sm2.verify_digest(public, digest, bytes(changed))
    wrong = bytearray(digest)
    wrong[place % 32] ^= 1 << bit
    assert not sm2.verify_digest(public, bytes(wrong), signature)


def test_what_is_no_key_is_refused_without_a_crash(signed: Any) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    _public, digest, signature = signed
    for nonsense in (b"", b"\x30\x00", b"x" * 200):
        assert not sm2.verify_digest(nonsense, digest, signature)
        with pytest.raises(Misconfigured):
            sm2.PrivateKey.load(nonsense).sign_digest(digest)
    other_curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(Misconfigured):
        sm2.PrivateKey.load(other_curve).sign_digest(digest)
