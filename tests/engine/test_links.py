"""Links: each for one purpose and one message, for a while, and nothing else."""

import hashlib
import hmac
import pickle
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.engine import Links
from netpromoter.errors import InvalidArgument, InvalidToken, NetPromoterError
from sessions.mutate_tokens import accepted

URL = "https://nps.example.com"
OLD, NEW = "an older secret that nobody guesses", b"a newer secret that nobody guesses"
LINKS = Links(URL, keys=[NEW, OLD])
AT = datetime(2026, 6, 1, 8, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
ID = "relationship/autumn/c-1/0/0"
PURPOSES = ["answer", "unsubscribe", "view"]
IDS = st.text(st.characters(codec=None), min_size=1, max_size=20).filter(str.strip)
INSTANTS = st.datetimes(datetime(2020, 1, 2), datetime(3800, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
purposes = pytest.mark.parametrize("purpose", PURPOSES)


def reason(token, purpose="answer", *, links=LINKS, at=AT):
    """Say why a token is refused; the message says it to nobody."""
    with pytest.raises(InvalidToken) as caught:
        links.read(token, purpose, at=at)
    assert str(caught.value) == "token must be valid here and now (got one that is not)"
    return caught.value.reason


@given(IDS, st.sampled_from(PURPOSES), INSTANTS, st.timedeltas(HOUR, timedelta(days=36_525)))
def test_a_token_is_read_as_it_was_made(message_id, purpose, at, lifetime):
    """It names the message and the purpose, lasts its lifetime and less than an hour more, and has 40 characters."""
    links = Links(URL, keys=[NEW], lifetime=lifetime)
    token = links.token(message_id, purpose, at=at)
    found = links.read(token, purpose, at=at)
    assert re.fullmatch(r"[A-Za-z0-9_-]{40}", token)
    assert (found.value, found.purpose) == (links.reference(message_id), purpose)
    assert at + lifetime <= found.until < at + lifetime + HOUR
    assert links.read(token, purpose, at=found.until - timedelta(microseconds=1)) == found
    assert reason(token, purpose, links=links, at=found.until) == "expired"


def test_a_token_is_laid_out_as_documented():
    """An independent reading of the documentation makes the same 30 bytes."""

    def of(key, message):
        return hmac.new(key, message, hashlib.sha256).digest()

    hours = (AT + timedelta(days=90) - datetime(2020, 1, 1, tzinfo=UTC)) // HOUR + 1
    body = of(NEW, b"id")[:1] + hours.to_bytes(3, "big") + of(of(NEW, b"naming"), ID.encode())[:10]
    token = body + of(of(NEW, b"signing"), b"view\x00" + body)[:16]
    assert LINKS.token(ID, "view", at=AT) == urlsafe_b64encode(token).decode()


def test_a_full_hour_is_not_rounded_up():
    """A lifetime that ends on the hour ends there."""
    token = LINKS.token(ID, "view", at=AT.replace(minute=0))
    assert LINKS.read(token, "view", at=AT).until == AT.replace(minute=0) + timedelta(days=90)


@purposes
def test_no_purpose_stands_for_another(purpose):
    """A token is refused for what it was not made for, and the log can tell."""
    token = LINKS.token(ID, purpose, at=AT)
    assert [reason(token, other) for other in PURPOSES if other != purpose] == ["other purpose"] * 2


@purposes
def test_every_flipped_bit_is_refused(purpose):
    """All 240 of them."""
    raw = urlsafe_b64decode(LINKS.token(ID, purpose, at=AT))
    for bit in range(240):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        assert reason(urlsafe_b64encode(flipped).decode(), purpose) in {"unknown key", "wrong signature"}


def test_what_is_shorter_longer_or_otherwise_written_is_refused():
    """No two texts are one token: not another case, padding, alphabet, line end or type."""
    token = next(each for n in range(99) if {"-", "_"} <= set(each := LINKS.token(f"{ID}{n}", "view", at=AT)))
    cut = [token[:size] for size in range(40)] + [token[start:] for start in range(1, 40)]
    grown = [token + "A", "A" + token, token + "\n", " " + token, token + "=", token + token]
    rewritten = [
        token.replace("-", "+"),
        token.replace("_", "/"),
        token[:-1] + "é",
        token[:-1] + "\N{FULLWIDTH DIGIT ONE}",
    ]
    for each in [*cut, *grown, *rewritten, token.encode(), None, 7]:
        assert reason(each, "view") == "malformed"
    turned = {token[:place] + token[place].swapcase() + token[place + 1 :] for place in range(40)}
    assert {reason(each, "view") for each in turned - {token}} <= {"unknown key", "wrong signature"}


@given(st.binary(min_size=30, max_size=30))
def test_a_forgery_is_refused(raw):
    """Nothing that was not signed is read, however it looks."""
    assert reason(urlsafe_b64encode(raw).decode()) in {"unknown key", "wrong signature"}


def test_a_forgery_never_learns_that_it_has_expired():
    """The signature is looked at first."""
    raw = bytearray(urlsafe_b64decode(LINKS.token(ID, "answer", at=AT)))
    raw[1:4] = bytes(3)
    assert reason(urlsafe_b64encode(raw).decode()) == "wrong signature"


def test_keys_are_rotated():
    """What the old key signed is read while it is there, by each of its names; the new one signs."""
    before, after = Links(URL, keys=[OLD]), Links(URL, keys=[NEW])
    token = before.token(ID, "answer", at=AT)
    assert LINKS.read(token, "answer", at=AT).value == before.reference(ID)
    assert reason(token, links=after) == "unknown key"
    assert LINKS.references(ID) == (after.reference(ID), before.reference(ID))
    assert LINKS.token(ID, "answer", at=AT) == after.token(ID, "answer", at=AT)


def test_two_keys_may_share_their_first_byte():
    """Of 257 keys two have one id, and both are tried."""
    several = [f"the secret of number {number}" for number in range(257)]
    links = Links(URL, keys=several)
    for secret in several:
        token = Links(URL, keys=[secret]).token(ID, "view", at=AT)
        assert links.read(token, "view", at=AT).value in links.references(ID)


def test_references_say_nothing_without_a_key():
    """Another key gives another reference, and so does another message."""
    several = {Links(URL, keys=[f"{n:020}"]).reference(ID) for n in range(50)} | {
        LINKS.reference(str(n)) for n in range(50)
    }
    assert len(several) == 100
    assert all(re.fullmatch(r"[0-9a-f]{20}", each) for each in several)


@given(IDS)
def test_urls_are_made_of_their_tokens(message_id):
    """Each is the address, the purpose and the token; a rating is a parameter and not signed."""
    tokens = {purpose: LINKS.token(message_id, purpose, at=AT) for purpose in PURPOSES}
    assert LINKS.answer(message_id, at=AT) == f"{URL}/answer/{tokens['answer']}"
    assert LINKS.unsubscribe(message_id, at=AT) == f"{URL}/unsubscribe/{tokens['unsubscribe']}"
    assert LINKS.view(message_id, at=AT) == f"{URL}/view/{tokens['view']}"
    each = tuple(LINKS.answer(message_id, rating, at=AT) for rating in range(11))
    assert LINKS.ratings(message_id, at=AT) == each
    assert each[7] == f"{URL}/answer/{tokens['answer']}?rating=7"


def test_instants_of_any_time_zone_do():
    """The same instant makes the same token."""
    elsewhere = AT.astimezone(timezone(timedelta(hours=9, minutes=30)))
    assert LINKS.token(ID, "view", at=elsewhere) == LINKS.token(ID, "view", at=AT)


def test_secrets_are_not_shown():
    """Neither the keys nor what is derived from them stand in what is printed or refused."""
    shown = repr(LINKS)
    assert shown == f"Links(url='{URL}', lifetime=datetime.timedelta(days=90))"
    with pytest.raises(InvalidArgument, match=r"^keys\[1\] must be .* \(got 6 bytes\)$") as caught:
        Links(URL, keys=[NEW, "hushhh"])
    assert "hush" not in str(caught.value)
    assert LINKS == Links(f"{URL}/", keys=(NEW, OLD)) != Links(URL, keys=[NEW])
    assert pickle.loads(pickle.dumps(LINKS)).token(ID, "view", at=AT) == LINKS.token(ID, "view", at=AT)  # noqa: S301


@pytest.mark.parametrize("keys", [[], (), "a secret that nobody can guess", b"a secret of sixteen", None, 7])
def test_keys_are_a_list(keys):
    """One text would be a list of letters."""
    with pytest.raises(InvalidArgument, match=r"^keys must be a list of one or more secrets, the newest first \(got "):
        Links(URL, keys=keys)


@pytest.mark.parametrize("key", [7, None, bytearray(20), b"", "x" * 15])
def test_a_key_is_long_enough(key):
    """A secret has at least 16 bytes."""
    with pytest.raises(InvalidArgument, match=r"^keys\[0\] must be text or bytes, of at least 16 bytes that nobody "):
        Links(URL, keys=[key])


@pytest.mark.parametrize(
    "url",
    [
        "http://nps.example.com",
        "nps.example.com",
        "https://",
        "https://nps.example.com?x=1",
        "https://nps.example.com#x",
        "https://ann@nps.example.com",
        "https://nps.example.com/a b",
        'https://nps.example.com/">',
        "https://nps.example.com\n",
        "https://münchen.example",
        "javascript:alert(1)",
        "http://localhost.example.com",
        "https://[",
        "https://:",
        "https://.",
        "https://nps..example.com",
        "https://-nps.example.com",
        f"https://{'x' * 64}.example.com",
        "https://300.1.1.1",
        "https://[cafe]",
        "https://[192.0.2.1]",
        "https://[2001:db8::1",
        "https://nps.example.com:",
        "https://nps.example.com:0",
        "https://nps.example.com:65536",
        "https://nps.example.com:99999999",
        "http://localhost:65536",
        7,
        None,
    ],
)
def test_the_address_is_a_safe_one(url):
    """What is not https, leads nowhere, or could end a header or an attribute, is refused."""
    with pytest.raises(InvalidArgument, match=r"^url must be an https URL without query or fragment \(or http on "):
        Links(url, keys=[NEW])


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000",
        "http://127.0.0.1",
        "http://[::1]:1",
        "https://[2001:db8::1]:8443/nps/v1",
        "https://192.0.2.1",
        "https://nps_1.example.com:65535",
        "https://xn--mnchen-3ya.example",
    ],
)
def test_an_address_may_have_a_port_and_a_path(url):
    """And while one tries it out, it may be one's own machine."""
    assert Links(f"{url}/", keys=[NEW]).view(ID, at=AT).startswith(f"{url}/view/")


@pytest.mark.parametrize("lifetime", [HOUR / 2, timedelta(days=-1), timedelta(days=40_000), 90, None])
def test_a_lifetime_is_a_span(lifetime):
    """From an hour to a century."""
    with pytest.raises(InvalidArgument, match=r"^lifetime must be a timedelta of at least 1:00:00"):
        Links(URL, keys=[NEW], lifetime=lifetime)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LINKS.token(ID, "anwser", at=AT), r"^purpose must be one of 'answer', 'unsubscribe', 'view' \(got"),
        (lambda: LINKS.read("x", "anwser", at=AT), r"^purpose must be one of 'answer', 'unsubscribe', 'view' \(got"),
        (lambda: LINKS.read("x", "view", at=AT.replace(tzinfo=None)), "^at must be a datetime with a time zone"),
        (lambda: LINKS.token(ID, "view", at=AT.replace(tzinfo=None)), "^at must be a datetime with a time zone"),
        (lambda: LINKS.view(ID, at=AT.replace(year=2019, month=9)), "^at must be from 2020 to 3933, with the lifetime"),
        (lambda: LINKS.view(ID, at=AT.replace(year=3934)), "^at must be from 2020 to 3933, with the lifetime added "),
        (lambda: LINKS.view(" ", at=AT), "^message_id must be text that is not blank"),
        (lambda: LINKS.reference(None), "^message_id must be text that is not blank"),
        (lambda: LINKS.answer(ID, 11, at=AT), r"^rating must be a whole number from 0 to 10 \(got 11\)$"),
        (lambda: LINKS.answer(ID, -1, at=AT), "^rating must be a whole number from 0 to 10"),
        (lambda: LINKS.answer(ID, True, at=AT), "^rating must be a whole number from 0 to 10"),  # noqa: FBT003
        (lambda: LINKS.answer(ID, "9", at=AT), "^rating must be a whole number from 0 to 10"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    """Each in the words of the house."""
    with pytest.raises(InvalidArgument, match=message):
        call()


def test_an_invalid_token_is_an_error_of_the_house():
    """It can be caught as a ValueError, and travels between processes with its reason."""
    error = pickle.loads(pickle.dumps(InvalidToken("expired")))  # noqa: S301
    assert isinstance(error, NetPromoterError)
    assert isinstance(error, ValueError)
    assert error.reason == "expired"


def test_mutated_tokens_are_refused():
    """Of some thousands none is accepted; `tests/sessions/mutate_tokens.py` tries ten millions."""
    assert accepted(5_000, seed=1) == 0
