"""Routes: by which channel each person is written to, first and again."""

from datetime import UTC, datetime
from itertools import product

import numpy as np
import pytest

from netpromoter.errors import InvalidArgument
from netpromoter.model import Bounced, Contact, Contacts, Message, Scheduled, Touches, fingerprint
from netpromoter.rules import Channels, History, Routes

AT = datetime(2026, 6, 1, tzinfo=UTC)
ORDER = ("email", "sms", "chat")
#: Everybody who has some of three channels, and whose address on some of them has failed.
CASES = [(has, dead) for has in product([False, True], repeat=3) for dead in product([False, True], repeat=3)]


def address(number, channel):
    return f"{number}-{channel}@example.com"


PEOPLE = Contacts.of(
    [
        Contact(
            id=f"c-{number}",
            addresses={name: address(number, name) for name, present in zip(ORDER, has, strict=True) if present},
            attributes={"likes": [None, "sms", "chat", "fax"][number % 4]},
        )
        for number, (has, _) in enumerate(CASES)
    ]
)


def log(*, known=True, last=None):
    """Let addresses fail, after a message to everybody by one channel."""
    events = []
    if last is not None:
        for number, _ in enumerate(CASES):
            to = address(number, last)
            made = Message(
                survey="nps",
                occasion="o",
                contact=f"c-{number}",
                step=0,
                channel=last,
                to=to,
                destination=fingerprint(to) if known else 0,
                due=AT,
            )
            events.append(Scheduled(message=made, at=AT))
    for number, (_, dead) in enumerate(CASES):
        for name, failed in zip(ORDER, dead, strict=True):
            if failed:
                where = fingerprint(address(number, name)) if known else 0
                events.append(Bounced(contact=f"c-{number}", destination=where, at=AT, channel=name))
    return events


def routes(channels=None, **options):
    history = History(PEOPLE, Touches.of(log(**options)))
    return Routes(channels or Channels(*ORDER), PEOPLE, history), history


def live(case):
    """Say which channels reach somebody."""
    return [present and not failed for present, failed in zip(*case, strict=True)]


def around(case, start):
    """Give the first channel that reaches somebody, from a place on and around."""
    found = [place % 3 for place in range(start, start + 3) if live(case)[place % 3]]
    return found[0] if found else -1


@pytest.mark.parametrize("known", [True, False])
def test_the_first_channel_that_works_is_taken(known):
    """An invitation takes the first channel in the order that has an address which has not failed."""
    found, _ = routes(known=known)
    assert found.first.tolist() == [around(case, 0) for case in CASES]
    assert found.failed.tolist() == [any(case[0]) and not any(live(case)) for case in CASES]


def test_a_preferred_channel_comes_first_where_it_works():
    """The channel that somebody prefers is taken if it reaches them, and else the order holds."""
    found, _ = routes(Channels(*ORDER, prefer="likes"))
    expected = []
    for number, case in enumerate(CASES):
        wish = [None, 1, 2, None][number % 4]
        expected.append(wish if wish is not None and live(case)[wish] else around(case, 0))
    assert found.first.tolist() == expected


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("after_silence", ["same", "next"])
@pytest.mark.parametrize("last", ORDER)
def test_a_further_message_takes_the_same_channel_or_the_next(last, after_silence, known):
    """After silence the same channel or the next that works is taken, and after a failure the next."""
    found, history = routes(Channels(*ORDER, after_silence=after_silence), last=last, known=known)
    occasions = history.occasions(history.codes(key="nps"))
    everybody = np.arange(len(CASES))
    place = ORDER.index(last)
    lost = [case[1][place] if known else not live(case)[place] for case in CASES]
    assert found.lost(occasions, everybody).tolist() == lost
    expected = [around(case, place + (gone or after_silence == "next")) for case, gone in zip(CASES, lost, strict=True)]
    assert found.next(occasions, everybody).tolist() == expected
    some = everybody[5::7]
    assert found.next(occasions.take(some), some).tolist() == [expected[each] for each in some]


def test_a_channel_that_is_gone_starts_the_order_anew():
    """Who was last written to by a channel that is no longer in the order is written to by the first that works."""
    found, history = routes(Channels("email", "sms", after_silence="next"), last="chat")
    occasions = history.occasions(history.codes(key="nps"))
    everybody = np.flatnonzero(~found.lost(occasions, np.arange(len(CASES))))
    expected = [next((place for place in (0, 1) if live(CASES[each])[place]), -1) for each in everybody]
    assert found.next(occasions.take(everybody), everybody).tolist() == expected


def test_a_destination_is_the_fingerprint_of_the_address_on_the_channel():
    """Each message goes to the address of its own channel."""
    found, _ = routes()
    reached = np.flatnonzero(found.first >= 0)
    expected = [fingerprint(address(each, ORDER[found.first[each]])) for each in reached.tolist()]
    assert found.destinations(found.first[reached], reached).tolist() == expected


def test_a_channel_that_nobody_has_reaches_nobody():
    """A channel in the order that no contact has is passed over."""
    found, _ = routes(Channels("fax", "sms"))
    assert set(found.first.tolist()) == {-1, 1}
    nobody = Contacts.of([])
    history = History(nobody, Touches.of([]))
    assert len(Routes(Channels("email", prefer="likes"), nobody, history).first) == 0


def test_channels_are_values():
    """Two orders of the same names are equal."""
    assert Channels("a", "b") == Channels("a", "b") != Channels("b", "a")
    assert Channels("a").after_silence == "same"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Channels, r"order must be one or more different names \(got \(\)\)"),
        (lambda: Channels("a", "a"), "order must be one or more different names"),
        (lambda: Channels(3), r"order must be text that is not blank, once or several times \(got \(3,\)\)"),
        (lambda: Channels("a", prefer=""), "prefer must be text that is not blank"),
        (lambda: Channels("a", after_silence="other"), r"after_silence must be one of 'same', 'next' \(got 'other'\)"),
        (
            lambda: routes(Channels("fax")),
            r"channels must be among those of the contacts, 'chat', 'sms', 'email' \(got 'fax'\)",
        ),
        (
            lambda: Routes(Channels("email"), Contacts.of([Contact(id="a")]), None),
            r"channels must be among those of the contacts, who have none \(got 'email'\)",
        ),
        (
            lambda: routes(Channels("sms", prefer="wish"))[0].first,
            r"prefer must be an attribute of text, known of some contact \(got 'wish'\)",
        ),
        (lambda: routes(Channels("sms", prefer="since"))[0].first, "prefer must be an attribute of text"),
        (lambda: routes(Channels("sms", prefer="locale"))[0].first, "prefer must be an attribute of text"),
    ],
)
def test_what_is_no_channel_is_refused(make, message):
    """Wrong names, and channels and attributes that no contact has, are refused in words that name them."""
    with pytest.raises(InvalidArgument, match=message):
        make()
