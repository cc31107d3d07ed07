"""The tables of trust, by subject."""

from yici.platform.trust.models.certificates import Certificate, CertificateEvent, FurtherHolder
from yici.platform.trust.models.identity import Assertion, FaceReference
from yici.platform.trust.models.making import CheckCode, MadeBatch, MadeCertificate, MadeCount, MakingRun, RenderedFile
from yici.platform.trust.models.papers import PaperBatch, PaperReading
from yici.platform.trust.models.relying import PairwiseSubject, RelyingParty
from yici.platform.trust.models.sharing import Share, ShareUse, WrongCode
from yici.platform.trust.models.signing import (
    Envelope,
    EnvelopeEvent,
    EnvelopeSigner,
    SealedKey,
    SigningAuthorisation,
    SigningKey,
    TimeStamp,
)

__all__ = [
    "Assertion",
    "Certificate",
    "CertificateEvent",
    "CheckCode",
    "Envelope",
    "EnvelopeEvent",
    "EnvelopeSigner",
    "FaceReference",
    "FurtherHolder",
    "MadeBatch",
    "MadeCertificate",
    "MadeCount",
    "MakingRun",
    "PairwiseSubject",
    "PaperBatch",
    "PaperReading",
    "RelyingParty",
    "RenderedFile",
    "SealedKey",
    "Share",
    "ShareUse",
    "SigningAuthorisation",
    "SigningKey",
    "TimeStamp",
    "WrongCode",
]
