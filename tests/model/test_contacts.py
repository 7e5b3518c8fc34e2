"""Contacts: single people into columns, and back."""

import pickle
from datetime import UTC, datetime
from hashlib import blake2b

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.model import Contact, Contacts, column, fingerprint
from strategies import TEXTS, crowds

FEWER = settings(max_examples=40)
KEYS = st.binary(max_size=64)
FEW = Contacts.of(
    [
        Contact(id="a", addresses={"email": "ann@example.com"}, attributes={"plan": "paid"}),
        Contact(id="b", addresses={"sms": "+33 6 12"}, since=datetime(2026, 6, 1, tzinfo=UTC)),
    ]
)


def known(contact):
    """Give what columns keep of a person: blank text and None are missing."""
    held = {
        name: value
        for name, value in contact.attributes.items()
        if value is not None and (not isinstance(value, str) or value.strip())
    }
    return attrs.evolve(contact, attributes=held)


@FEWER
@given(crowds())
def test_people_come_back_as_they_were(people):
    """Columns of people give each of them back, by place, by id and one after another."""
    made = Contacts.of(iter(people))
    assert len(made) == len(people)
    assert list(made) == [known(person) for person in people]
    for place, person in enumerate(people):
        assert made.position(person.id) == place
        assert made[person.id] == made.at(place) == known(person)
        assert person.id in made


@FEWER
@given(crowds(), st.data())
def test_taking_people_is_making_columns_of_them(people, data):
    """The columns of some people give those people, in their order."""
    order = data.draw(st.permutations(range(len(people))))[: len(people) // 2 + 1]
    taken = Contacts.of(people, key=b"k").take(np.array(order, np.int64))
    assert list(taken) == [known(people[place]) for place in order]
    assert taken.key == b"k"


@FEWER
@given(crowds())
def test_people_survive_pickling(people):
    """Pickled columns give the same people, also when they have been looked at before."""
    made = Contacts.of(people)
    assert made.digests.shape == (len(people), 2)
    assert list(pickle.loads(pickle.dumps(made))) == list(made)  # noqa: S301


@FEWER
@given(crowds(), KEYS)
def test_fingerprints_and_digests_are_those_of_each_person(people, key):
    """A column of fingerprints has that of each address, and 0 for none; a digest depends on the id alone."""
    made = Contacts.of(people, key=key)
    for channel, found in made.fingerprints.items():
        given_ = (person.addresses.get(channel) for person in people)
        assert found.tolist() == [0 if each is None else fingerprint(each, key) for each in given_]
    for person, words in zip(people, made.digests, strict=True):
        plain = person.id.encode("utf-8", "surrogatepass")
        assert words.astype("<u8").tobytes() == blake2b(plain, digest_size=16).digest()


@given(TEXTS, KEYS)
def test_spellings_of_one_address_have_one_fingerprint(address, key):
    """Blanks around an address do not matter, and no address has the fingerprint of none."""
    assert fingerprint(f" {address}\n", key) == fingerprint(address, key)
    assert 0 < fingerprint(address, key) < 1 << 64


@pytest.mark.parametrize("domain", ["b\xfccher.de", "B\xdcCHER.de", "bu\u0308cher.de", "\uff42\xfccher\u3002de"])
def test_spellings_of_one_domain_have_one_fingerprint(domain):
    """However its letters were typed, it is where the network finds it; what can be no domain stays as it is."""
    assert fingerprint(f"ann@{domain}") == fingerprint("ann@xn--bcher-kva.de")
    assert fingerprint(f"\xe4nn@{domain}") != fingerprint("ann@xn--bcher-kva.de")
    assert fingerprint("ann@b\xfc..de") != fingerprint("ann@b\xfc.de")


@given(st.from_regex(r"\+?[0-9]{1,12}", fullmatch=True), st.lists(st.sampled_from(" .-/()"), min_size=1, max_size=5))
def test_signs_between_digits_do_not_matter(number, signs):
    """A telephone number has one fingerprint however its digits are set apart; another number has another."""
    apart = number[0] + "".join(signs) + number[1:]
    assert fingerprint(apart) == fingerprint(number)
    assert fingerprint(apart + "1") != fingerprint(number)


@FEWER
@given(crowds())
def test_conditions_can_ask_for_everything(people):
    """Every attribute is among the columns, and so are locale, time zone, account and the beginning."""
    columns = Contacts.of(people).columns
    for place, person in enumerate(people):
        own = {"locale": person.locale, "time_zone": person.time_zone, "account": person.account, "since": person.since}
        assert {name: columns[name][place] for name in own} == own
        assert all(columns[name][place] == value for name, value in known(person).attributes.items())


def test_contacts_say_who_they_are_without_their_addresses():
    """What contacts show of themselves counts people, and names channels and attributes alone."""
    assert repr(FEW) == "Contacts(2 people; email, sms; plan)"
    assert repr(FEW.take(np.array([1]))) == "Contacts(1 person; email, sms; plan)"
    assert repr(Contacts.of([])) == "Contacts(0 people)"


def test_a_blank_address_is_none():
    """An address that is blank in a column is nobody's."""
    made = attrs.evolve(FEW, addresses={"email": np.array([" ", None], object)})
    assert made.at(0).addresses == {}
    assert made.fingerprints["email"].tolist() == [0, 0]


TWICE = [Contact(id=each) for each in ("a", "b", "a", "c", "b", "a")]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Contacts.of([Contact(id="a"), "b"]), "contacts must be made of contacts (position 1) (got 'b')"),
        (
            lambda: Contacts.of(TWICE),
            "ids must be different from one another (got 'a' again at position 2; 3 such in all)",
        ),
        (
            lambda: Contacts.of([Contact(id="a", attributes={"x": 1}), Contact(id="b", attributes={"x": "1"})]),
            "x must be of one kind in every contact (got 'number and text')",
        ),
        (lambda: Contacts.of([], key="secret"), "key must be bytes, 64 at most (got a value of type str)"),
        (lambda: Contacts.of([], key=bytes(65)), "key must be bytes, 64 at most (got 65 of them)"),
        (lambda: FEW["z"], "contact must be the id of one of the 2 contacts, as text (got 'z')"),
        (lambda: attrs.evolve(FEW, ids=np.array(["a", 2], object)), "ids must be made of text (got 2)"),
        (lambda: attrs.evolve(FEW, locale=column("locale", ["en"])), "locale must be as long as ids (2) (got 1)"),
        (lambda: attrs.evolve(FEW, since=FEW.since[:0]), "since must be as long as ids (2) (got 0)"),
        (
            lambda: attrs.evolve(FEW, addresses={"email": FEW.ids[:1]}),
            "addresses['email'] must be as long as ids (2) (got 1)",
        ),
        (
            lambda: attrs.evolve(FEW, attributes={"plan": column("plan", [1])}),
            "attributes['plan'] must be as long as ids (2) (got 1)",
        ),
    ],
)
def test_what_is_no_set_of_people_is_refused(make, message):
    """Ids that come twice, attributes of two kinds and columns of other lengths are refused by name."""
    with pytest.raises(InvalidArgument) as refused:
        make()
    assert message in str(refused.value)


@FEWER
@given(crowds(texts=st.sampled_from(["a", "b", " B", "c"])))
def test_a_destination_stands_once_for_each_who_holds_it(people):
    """Every fingerprint stands once for each person who holds it, on however many channels, in rising order."""
    held = [set(map(fingerprint, person.addresses.values())) for person in people]
    assert Contacts.of(people).destinations.tolist() == sorted(each for holder in held for each in holder)


@pytest.mark.parametrize("people", [None, 5])
def test_nobody_is_made_of_what_is_not_several(people):
    """What cannot be gone through is refused by its name."""
    with pytest.raises(InvalidArgument, match=r"^people must be several contacts \(got "):
        Contacts.of(people)
