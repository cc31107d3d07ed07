"""SD-JWT: what is disclosed is verified, what is hidden stays hidden, every change is noticed; a stranger agrees."""

from __future__ import annotations

import json
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from tests.environment import ROOT
from yici.platform.trust.credentials import sd_jwt
from yici.platform.trust.credentials.sd_jwt import BadCredential

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = KEY.public_key()
FACE = {"person.name": "王秀英", "person.birth_date": "1945-03-12", "disability.level": "2"}
SHOWN = {"iss": "http://127.0.0.1:8000", "vct": "disability_certificate", "iat": 1_700_000_000, "exp": 1_900_000_000}
NOW = 1_800_000_000


def token() -> str:
    return sd_jwt.issue(FACE, SHOWN, KEY, "city")


def reason(text: str, now: int = NOW, **demand: str) -> str:
    with pytest.raises(BadCredential) as caught:
        sd_jwt.verify(text, PUBLIC, now, **demand)
    return caught.value.reason


def test_only_what_the_holder_discloses_is_seen() -> None:
    presented = sd_jwt.present(token(), ["disability.level"])
    claims = sd_jwt.verify(presented, PUBLIC, NOW)
    assert claims == {**SHOWN, "disability.level": "2"}
    assert "王秀英" not in presented and "person" not in presented


def test_a_claim_that_is_not_there_cannot_be_disclosed() -> None:
    with pytest.raises(BadCredential):
        sd_jwt.present(token(), ["person.phone"])


def test_every_changed_character_is_noticed() -> None:
    presented = sd_jwt.present(token(), ["disability.level"])
    for place in range(0, len(presented), 7):
        if presented[place] in ".~":
            continue
        other = "A" if presented[place] != "A" else "B"
        with pytest.raises(BadCredential):
            sd_jwt.verify(presented[:place] + other + presented[place + 1 :], PUBLIC, NOW)


def test_a_disclosure_of_another_credential_or_twice_is_refused() -> None:
    first, second = token(), token()
    assert reason(first + second.split("~")[1] + "~") == "altered"
    presented = sd_jwt.present(first, ["person.name"])
    assert reason(presented + presented.split("~")[1] + "~") == "altered"


def test_expired_not_yet_valid_and_of_another_city() -> None:
    assert reason(token(), now=1_900_000_000) == "expired"
    assert reason(sd_jwt.issue(FACE, {**SHOWN, "nbf": NOW + 10}, KEY, "city")) == "not_yet"
    foreign = sd_jwt.issue(FACE, SHOWN, ec.generate_private_key(ec.SECP256R1()), "city")
    assert reason(foreign) == "altered"


def test_an_algorithm_of_the_attackers_choice_is_refused() -> None:
    _head, body, signature = token().split("~")[0].split(".")
    for algorithm in ("none", "HS256"):
        forged = sd_jwt._encode({"alg": algorithm, "typ": sd_jwt.TYPE})
        assert reason(f"{forged}.{body}.{signature}~") == "altered"
        assert reason(f"{forged}.{body}.~") in ("altered", "unreadable")


@pytest.mark.parametrize("text", ["", "~", "a~", "..~", "a.b.c~~", "é~", "x" * 200_000 + "~"])
def test_nonsense_is_unreadable(text: str) -> None:
    assert reason(text) == "unreadable"


def test_a_bound_presentation_is_good_for_one_reader_one_moment_and_these_claims() -> None:
    phone = ec.generate_private_key(ec.SECP256R1())
    bound = sd_jwt.issue(FACE, SHOWN, KEY, "city", holder=sd_jwt.public_jwk(phone.public_key()))
    presented = sd_jwt.present(bound, ["disability.level"])
    shown = sd_jwt.sign_presence(presented, phone, "https://bank.example", "n-1", NOW)
    assert sd_jwt.verify(shown, PUBLIC, NOW, "https://bank.example", "n-1")["disability.level"] == "2"
    assert reason(shown, audience="https://other.example") == "holder"
    assert reason(shown, nonce="n-2") == "holder"
    assert reason(shown, now=NOW + 3600, audience="https://bank.example") == "holder"
    assert reason(presented, audience="https://bank.example") == "holder"
    stranger = sd_jwt.sign_presence(
        presented, ec.generate_private_key(ec.SECP256R1()), "https://bank.example", "n-1", NOW
    )
    assert reason(stranger, audience="https://bank.example") == "altered"
    more = sd_jwt.present(bound, ["person.name"]) + shown.rsplit("~", 1)[1]
    assert reason(more, audience="https://bank.example") == "holder"


@given(
    face=st.dictionaries(
        st.text(min_size=1, max_size=20).filter(lambda name: name not in {"_sd", "...", "_sd_alg", *SHOWN, "cnf"}),
        st.text(max_size=40),
        min_size=1,
        max_size=6,
    ),
    data=st.data(),
)
def test_any_face_and_any_choice_of_it(face: dict[str, str], data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.sampled_from(sorted(face))))
    presented = sd_jwt.present(sd_jwt.issue(face, SHOWN, KEY, "city"), chosen)
    assert sd_jwt.verify(presented, PUBLIC, NOW) == {**SHOWN, **{name: face[name] for name in chosen}}


def test_an_independent_implementation_accepts_ours_and_refuses_an_edited_one() -> None:
    """The npm package @sd-jwt/core, which nobody here wrote."""
    presented = sd_jwt.present(token(), ["disability.level", "person.name"])
    head, body, signature = presented.split("~")[0].split(".")
    promoted = sd_jwt._encode({**sd_jwt._object(body), "vct": "resident_id_card"})
    edited = presented.replace(f"{head}.{body}.{signature}", f"{head}.{promoted}.{signature}")
    swapped = presented.replace(presented.split("~")[1], sd_jwt._encode(["c2FsdA", "disability.level", "1"]))
    script = ROOT / "tests" / "platform" / "trust" / "credentials" / "verify_sd_jwt.mjs"
    given_ = json.dumps({"jwk": sd_jwt.public_jwk(PUBLIC), "tokens": [presented, edited, swapped]})
    ended = subprocess.run(["node", str(script)], input=given_, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    good, bad, without = json.loads(ended.stdout)
    assert good["payload"]["disability.level"] == "2" and good["payload"]["person.name"] == "王秀英"
    assert "person.birth_date" not in good["payload"]
    assert "error" in bad
    assert "1" not in str(without.get("payload", {}).get("disability.level"))
