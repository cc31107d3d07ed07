"""The keystore where no cryptographic module is installed: keys sealed in the database.

A key is unsealed in memory for one signature. It protects against a stolen dump, not against whoever rules the
machine, and says so. It is also where SM2 keys are kept, which SoftHSM does not know.
"""

from __future__ import annotations

from typing import ClassVar

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from django.utils.translation import gettext as _

from yici.platform.trust.models import SealedKey
from yici.platform.trust.signatures import sm2
from yici.platform.trust.signatures.keystore.base import P256, SM2, Algorithm, KeyGone

__all__ = ["SoftwareKeystore"]


class SoftwareKeystore:
    name: ClassVar[str] = "software"
    is_hardware = False

    @property
    def description(self) -> str:
        return _("软件密钥库：没有安装密码模块，密钥加密保存在数据库中")

    def algorithms(self) -> frozenset[Algorithm]:
        return frozenset({P256, SM2} if sm2.is_available() else {P256})

    def create(self, label: str, algorithm: Algorithm) -> bytes:
        if algorithm == SM2:
            key = sm2.PrivateKey.generate()
            material, public = key.pkcs8(), key.public_key_info()
        else:
            made = ec.generate_private_key(ec.SECP256R1())
            material = made.private_bytes(
                serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            public = made.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        SealedKey.objects.create(label=label, algorithm=algorithm, material=material)
        return public

    def sign(self, label: str, digest: bytes) -> bytes:
        row = SealedKey.objects.filter(label=label).first()
        if row is None:
            raise KeyGone()
        if row.algorithm == SM2:
            return sm2.PrivateKey.load(row.material).sign_digest(digest)
        key = serialization.load_der_private_key(row.material, password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))

    def destroy(self, label: str) -> None:
        SealedKey.objects.filter(label=label).delete()
