"""Where private keys are: in a module by PKCS#11 where one is installed, else sealed in the database.

`YICI_KEYSTORE` set to `software` does without a module. Nothing outside this folder sees a private key.
"""

from __future__ import annotations

import os
from functools import lru_cache

from yici.base.errors import Misconfigured
from yici.platform.trust.signatures.keystore.base import DIGEST_BYTES, P256, SM2, Algorithm, KeyGone, Keystore
from yici.platform.trust.signatures.keystore.pkcs11 import Pkcs11Keystore, Token, token
from yici.platform.trust.signatures.keystore.software import SoftwareKeystore

__all__ = ["DIGEST_BYTES", "P256", "SM2", "Algorithm", "KeyGone", "Keystore", "for_new_key", "named"]


def for_new_key(algorithm: Algorithm = P256) -> Keystore:
    """The keystore that makes keys of this algorithm: the module if it can, else the sealed one."""
    wanted = os.environ.get("YICI_KEYSTORE", "")
    if wanted not in ("", "pkcs11", "software"):
        raise Misconfigured("YICI_KEYSTORE 只能是 pkcs11 或 software。")
    if algorithm == P256 and wanted != "software":
        held = token()
        if held is not None:
            return _module(held)
        if wanted == "pkcs11":
            raise Misconfigured("没有找到密码模块：请安装 softhsm2，或设置 YICI_PKCS11_MODULE。")
    chosen = _software()
    if algorithm not in chosen.algorithms():
        raise Misconfigured(f"本机不支持 {algorithm}：需要 OpenSSL 3 的 libcrypto。")
    return chosen


def named(name: str) -> Keystore:
    """The keystore that a key says it is in."""
    if name == SoftwareKeystore.name:
        return _software()
    held = token()
    if held is None:
        raise KeyGone()
    return _module(held)


@lru_cache(maxsize=4)
def _module(where: Token) -> Keystore:
    return Pkcs11Keystore(where)


@lru_cache(maxsize=1)
def _software() -> Keystore:
    return SoftwareKeystore()
