"""Routing: who is named first, who has quota, and who has the least to do."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.model import CaseMoved, CaseOpened
from netpromoter.rules import FollowUp, Load, Owner, Route, Routing, field
from netpromoter.rules._routing import Desk

AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
NOBODY = "nobody is there to call"
SPENT = "everybody who could call has reached a quota"


def case(number, owner, at=AT):
    return CaseOpened(survey="nps", occasion="1", contact=f"c-{number}", policy="p", rating=2, owner=owner, at=at)


def desk(routing, *before, at=AT):
    return Desk(routing, Load.of(before), at, UTC_ZONE)


def test_the_first_route_that_names_somebody_decides():
    """The owner of the account calls, else somebody of the language, else whoever is in the pool."""
    routing = Routing(
        Route(field("account_owner")),
        Route(field("language"), {"fr": "amelie", "de": ["carl", "doris"]}),
        owners=["ben"],
    )
    at = desk(routing)
    assert at.take({"account_owner": "zoe", "language": "fr"}) == ("zoe", None)
    assert at.take({"account_owner": None, "language": "fr"}) == ("amelie", None)
    assert at.take({"account_owner": " ", "language": "de"}) == ("carl", None)
    assert at.take({"language": "de"}) == ("doris", None)
    assert at.take({"account_owner": 7, "language": "en"}) == ("ben", None)


def test_a_spent_quota_passes_the_case_on():
    """Who has reached a quota is passed over, on every route, until the day or the month is over."""
    routing = Routing(
        Route(field("account_owner")),
        owners=[Owner("ann", per_day=1), Owner("ben", per_month=2), Owner("cas")],
        pool="ben",
    )
    at = desk(routing)
    assert [at.take({"account_owner": "ann"})[0] for _ in range(4)] == ["ann", "ben", "ben", None]
    assert at.take({"account_owner": "ann"}) == (None, SPENT)
    assert at.take({"account_owner": "cas"}) == ("cas", None)
    yesterday = [case(1, "ann", AT - timedelta(days=1)), case(2, "ben", AT - timedelta(days=1)), case(3, "ben", AT)]
    assert [desk(routing, *yesterday).take({"account_owner": name})[0] for name in ("ann", None)] == ["ann", None]
    july = desk(routing, *yesterday, at=AT + timedelta(days=20))
    assert july.take({})[0] == "ben"


def test_a_case_that_was_handed_on_counts_for_whom_it_was_handed_to():
    """The quota is that of the present owner, on the day on which the case became theirs."""
    first = case(1, "ann", AT - timedelta(days=1))
    handed = CaseMoved(case=first.case, number=0, to="assigned", owner="ben", by="ann", at=AT)
    routing = Routing(owners=[Owner("ann", per_month=1), Owner("ben", per_day=1)])
    assert [desk(routing, first, handed).take({})[0]] == ["ann"]
    assert [desk(routing, first).take({})[0]] == ["ben"]


def test_whoever_has_the_fewest_open_cases_calls():
    """Open cases come first, then those of the month, then the order in which they are named."""
    closed = case(3, "cas")
    before = [case(1, "ann"), case(2, "ben"), closed]
    over = CaseMoved(case=closed.case, number=0, to="closed", by="cas", resolution="recovered", at=AT)
    at = desk(Routing(owners=["ann", "ben", "cas", "dan"]), *before, over)
    assert [at.take({})[0] for _ in range(6)] == ["dan", "cas", "ann", "ben", "dan", "cas"]


def test_nobody_is_found_where_nobody_is_named():
    """Without a pool, a value that names nobody leaves the case to nobody, and says so."""
    assert desk(Routing(Route(field("team"), {"a": "ann"}))).take({"team": "b"}) == (None, NOBODY)
    assert desk(Routing(Route(field("team")), owners=["ann"], pool=())).take({}) == (None, NOBODY)


@given(
    quotas=st.dictionaries(st.sampled_from("abcd"), st.integers(1, 4), min_size=1),
    cases=st.lists(st.sampled_from([*"abcd", None]), max_size=24),
)
def test_no_quota_is_ever_exceeded_and_none_is_left_unused(quotas, cases):
    """Nobody gets more than their quota, and a case is nobody's only when all quotas are spent."""
    routing = Routing(Route(field("owner")), owners=[Owner(name, per_month=limit) for name, limit in quotas.items()])
    at = desk(routing)
    taken = Counter()
    for wanted in cases:
        owner, why = at.take({"owner": wanted})
        free = [name for name, limit in quotas.items() if taken[name] < limit]
        assert (owner is None) == (why is not None) == (not free and (wanted is None or wanted in quotas))
        taken[owner] += owner is not None
        if wanted in free or (wanted is not None and wanted not in quotas):
            assert owner == wanted
    assert all(taken[name] <= limit for name, limit in quotas.items())


def test_a_name_or_a_field_is_a_routing():
    """An owner of a policy may be given as a name, or as a field that holds one."""
    assert FollowUp(owner="ann").owner == Routing(owners=["ann"])
    assert FollowUp(owner=field("account_owner")).owner == Routing(Route(field("account_owner")))
    assert FollowUp(owner=field("account_owner")).fields == {"account_owner"}
    assert FollowUp().owner is None
    assert hash(Routing(Route(field("team"), {"a": "ann"}))) == hash(Routing(Route(field("team"), {"a": "ann"})))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Owner(" "), r"name must be text that is not blank"),
        (lambda: Owner("ann", per_month=0), r"per_month must be a whole number of at least 1"),
        (lambda: Owner("ann", per_day=1.5), r"per_day must be a whole number of at least 1"),
        (lambda: Route("language"), r'by must be a field such as field\("language"\) \(got \'language\'\)'),
        (lambda: Route(field("a"), {}), r"owners must be a mapping of values to names, or None"),
        (lambda: Route(field("a"), ["ann"]), r"owners must be a mapping of values to names, or None"),
        (lambda: Route(field("a"), {"fr": [7]}), r"owners\['fr'\] must be text that is not blank"),
        (lambda: Route(field("a"), {"fr": []}), r"owners\['fr'\] must be one or more different names"),
        (lambda: Routing("ann"), r"routes must be made of Route \(got 'ann'\)"),
        (Routing, r"routes must be one or more, unless there are owners"),
        (lambda: Routing(owners="ann", pool=["b", "b"]), r"pool must be different names"),
        (lambda: Routing(owners=[7]), r"owners must be made of Owner or of names"),
        (lambda: Routing(owners=7), r"owners must be made of Owner or of names"),
        (lambda: Routing(owners=["ann", Owner("ann")]), r"owners must be of different names \(got \['ann', 'ann'\]\)"),
        (lambda: FollowUp(owner=7), r"owner must be a name, a field that holds one, or Routing \(got 7\)"),
    ],
)
def test_a_routing_is_refused_in_words(make, message):
    """What names nobody is refused."""
    with pytest.raises(InvalidArgument, match=message):
        make()
