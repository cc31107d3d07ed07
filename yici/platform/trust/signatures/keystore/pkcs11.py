"""Keys in a cryptographic module by PKCS#11: made in it, marked sensitive and not extractable, used in it.

The module is `YICI_PKCS11_MODULE` with `YICI_PKCS11_TOKEN` and `YICI_PKCS11_PIN`; where none is named and SoftHSM is
installed, a token of it under `YICI_HOME/trust/softhsm`, made at first use, its PIN sealed beside it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pkcs11
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from django.conf import settings
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from yici.base.errors import Misconfigured
from yici.base.sealing import keyring
from yici.platform.trust.authority import write_whole
from yici.platform.trust.signatures.keystore.base import P256, Algorithm, KeyGone

__all__ = ["Pkcs11Keystore", "Token", "token"]

SOFTHSM = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
LABEL = "yici"
_PIN_PLACE = "trust.softhsm.pin"


@dataclass(frozen=True)
class Token:
    """A token of a module. `configuration` is SoftHSM's own file, which it finds by its environment."""

    module: str
    label: str
    pin: str
    configuration: str = ""


def token() -> Token | None:
    """The token of this installation; None where no module is installed."""
    module = os.environ.get("YICI_PKCS11_MODULE", "")
    if module:
        pin = os.environ.get("YICI_PKCS11_PIN", "")
        if not pin or not Path(module).is_file():
            raise Misconfigured(f"密码模块 {module} 不存在，或没有设置 YICI_PKCS11_PIN。")
        return Token(module, os.environ.get("YICI_PKCS11_TOKEN", LABEL), pin)
    found = next((path for path in SOFTHSM if Path(path).is_file()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        return None
    return _softhsm(found, Path(settings.HOME) / "trust" / "softhsm")


def _softhsm(module: str, folder: Path) -> Token:
    """SoftHSM's token in the data folder, made at first use; the sealed PIN is written last."""
    configuration, pin_file = folder / "softhsm2.conf", folder / "pin.sealed"
    for part in (folder.parent, folder, folder / "tokens"):  # of parents that are made, mkdir leaves the mode open
        part.mkdir(exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not pin_file.exists():
            text = f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
            write_whole(configuration, text.encode())
            pin = secrets.token_hex(16)
            command = ["softhsm2-util", "--init-token", "--free", "--label", LABEL]
            made = subprocess.run(
                [*command, "--pin", pin, "--so-pin", secrets.token_hex(16)],
                env={**os.environ, "SOFTHSM2_CONF": str(configuration)}, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if made.returncode:
                raise Misconfigured(f"SoftHSM 令牌无法建立：{made.stderr.strip() or made.stdout.strip()}")
            write_whole(pin_file, keyring().seal(pin, _PIN_PLACE))
    pin = keyring().unseal(pin_file.read_bytes(), _PIN_PLACE).decode()
    return Token(module, LABEL, pin, str(configuration))


class Pkcs11Keystore:
    """One session a process, used by one thread at a time; opened again after a fork."""

    name: ClassVar[str] = "pkcs11"

    def __init__(self, where: Token) -> None:
        self._where = where
        self._lock = threading.RLock()
        self._session: Any = None
        self._owner = 0
        self._keys: dict[str, Any] = {}
        self.is_hardware = not where.configuration

    @property
    def description(self) -> str:
        with self._lock:
            held = self._open().token
            serial = held.serial.decode("ascii", "replace") if isinstance(held.serial, bytes) else str(held.serial)
            return f"PKCS#11：{held.model.strip()} {serial.strip()}"

    def algorithms(self) -> frozenset[Algorithm]:
        return frozenset({P256})

    def create(self, label: str, algorithm: Algorithm) -> bytes:
        if algorithm != P256:
            raise Misconfigured(f"密码模块不支持 {algorithm}。")
        with self._lock:
            curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
            parameters = self._open().create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
            public, private = parameters.generate_keypair(
                store=True,
                label=label,
                id=label.encode(),
                private_template={
                    pkcs11.Attribute.SENSITIVE: True,
                    pkcs11.Attribute.EXTRACTABLE: False,
                    pkcs11.Attribute.SIGN: True,
                },
            )
            self._keys[label] = private
            return bytes(encode_ec_public_key(public))

    def sign(self, label: str, digest: bytes) -> bytes:
        with self._lock:
            raw = self._private(label).sign(digest, mechanism=pkcs11.Mechanism.ECDSA)
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))

    def destroy(self, label: str) -> None:
        with self._lock:
            for kind in (pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.ObjectClass.PUBLIC_KEY):
                wanted = {pkcs11.Attribute.CLASS: kind, pkcs11.Attribute.LABEL: label}
                for held in list(self._open().get_objects(wanted)):
                    held.destroy()
            self._keys.pop(label, None)

    def attribute(self, label: str, attribute: pkcs11.Attribute) -> Any:
        """An attribute of a private key as the module tells it."""
        with self._lock:
            return self._private(label)[attribute]

    def _private(self, label: str) -> Any:
        session = self._open()
        if label not in self._keys:
            try:
                self._keys[label] = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
            except pkcs11.NoSuchKey:
                raise KeyGone() from None
        return self._keys[label]

    def _open(self) -> Any:
        if self._session is not None and self._owner == os.getpid():
            return self._session
        if self._where.configuration:
            os.environ["SOFTHSM2_CONF"] = self._where.configuration
        library = pkcs11.lib(self._where.module)
        if self._session is not None:  # in a child: the module's state is the parent's
            library.reinitialize()
        self._keys.clear()
        self._session = library.get_token(token_label=self._where.label).open(rw=True, user_pin=self._where.pin)
        self._owner = os.getpid()
        return self._session
