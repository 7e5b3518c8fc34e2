"""How much of contacts, accounts and revenue was asked and heard, with accounts as what is drawn."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.insight import RevenueMeasure, loop
from netpromoter.model import Case, CaseOpened, Response
from netpromoter.stats import design_score, share

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACCOUNTS = {"a": "x", "b": "x", "c": "y", "d": "z", "e": None}
REVENUE = {"x": 50_000, "y": 30_000, "z": 20_000}


def found(answered="abce", contacted="a", asked="abcd", accounts=ACCOUNTS, revenue=REVENUE, **more):
    """Make a loop of people who were asked, who answered and who were contacted."""
    place = {"survey": "nps", "occasion": "june", "at": START}
    answers = [Response(contact=contact, rating=2, **place) for contact in answered]
    cases = []
    for contact in contacted:
        opened = CaseOpened(contact=contact, rating=2, policy="call", owner="ann", **place)
        cases.append(Case(opened=opened, moves=(Case(opened=opened).move("contacted", by="ann", at=START),)))
    delivered = None if asked is None else {("june", contact): START for contact in asked}
    return loop(answers, cases=cases, at=START, delivered=delivered, accounts=accounts, revenue=revenue, **more)


def responded(amounts, counted):
    """Give the share of revenue that answered, of one account for each amount."""
    names = [f"c-{n}" for n in range(len(amounts))]
    accounts, revenue = dict(zip(names, names, strict=True)), dict(zip(names, amounts, strict=True))
    some = [name for name, one in zip(names, counted, strict=True) if one]
    return found(some, "", None, accounts, revenue).revenue[0]


AMOUNTS = st.lists(st.tuples(st.floats(0.01, 1e9), st.booleans()), min_size=2, max_size=30)


# -- laws --------------------------------------------------------------------------------------------------------------


@given(AMOUNTS)
def test_variance_is_that_of_a_weighted_survey(drawn):
    """The ratio estimator of revenue is a weighted mean: design_score, tested against R's survey, has its error."""
    amounts, counted = zip(*drawn, strict=True)
    measure = responded(amounts, counted)
    survey = design_score([10 if each else 0 for each in counted], weights=amounts)
    assert measure.value == pytest.approx(survey.promoter_share)
    assert measure.standard_error == pytest.approx(survey.standard_error / 200, abs=1e-9)
    if 1e-6 < measure.value < 1 - 1e-6:
        assert measure.n_effective == pytest.approx(survey.n_effective)


@given(AMOUNTS, st.floats(0.01, 0.99))
def test_counting_the_others_mirrors_the_interval(drawn, level):
    """The share of the other accounts is what is left, and its limits are the mirrored ones around the share."""
    amounts, counted = zip(*drawn, strict=True)
    measure, other = responded(amounts, counted), responded(amounts, [not each for each in counted])
    low, high = measure.interval(confidence_level=level)
    assert 0 <= low <= measure.value <= high <= 1
    assert other.value == pytest.approx(1 - measure.value)
    assert other.interval(confidence_level=level) == pytest.approx((1 - high, 1 - low))


@given(AMOUNTS, st.integers(-3, 3))
def test_a_currency_changes_nothing(drawn, power):
    """Shares and limits are those of dollars and of cents, and do not hang on the order of accounts."""
    amounts, counted = zip(*drawn, strict=True)
    measure, other = responded(amounts, counted), responded([10.0**power * each for each in amounts], counted)
    assert other.interval() == pytest.approx(measure.interval())
    assert responded(amounts[::-1], counted[::-1]) == measure


@given(st.integers(2, 60), st.data())
def test_equal_accounts_are_a_share_of_accounts(n, data):
    """Where all bring the same the share is that of accounts, and its error that of as many less one."""
    counted = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    measure = responded([100.0] * n, counted)
    plain = share(sum(counted), n)
    assert measure.value == pytest.approx(plain.value)
    assert (measure.count, measure.n) == (plain.count, plain.n)
    assert measure.n_effective == pytest.approx(n if sum(counted) in {0, n} else n - 1)
    low, high = measure.interval()
    wide, far = plain.interval()
    assert low <= wide + 1e-9
    assert high >= far - 1e-9


def test_interval_covers_where_a_plain_one_does_not():
    """Over 600 drawn portfolios with a few large accounts it holds the true share in at least 93 of 100."""
    rng, hits, plain = np.random.default_rng(1), 0, 0
    for _ in range(600):
        amounts, counted = rng.lognormal(0, 1.5, 30), rng.random(30) < 0.8
        measure = responded(amounts.tolist(), counted.tolist())
        low, high = measure.interval()
        hits += low <= 0.8 <= high
        plain += abs(measure.value - 0.8) <= 1.96 * measure.standard_error
    assert hits >= 0.93 * 600
    assert plain < 0.85 * 600


# -- definitions -------------------------------------------------------------------------------------------------------


def test_revenue_is_that_of_whole_accounts():
    """An account is asked, has answered or was contacted when one of its people was, and then with all it brings."""
    measures = found(value="ARR", asked="abc").revenue
    assert [(each.what, each.of, each.amount, each.total, each.count, each.n) for each in measures] == [
        ("ARR of accounts asked", "ARR of all accounts", 80_000, 100_000, 2, 3),
        ("ARR of accounts that answered", "ARR of all accounts", 80_000, 100_000, 2, 3),
        ("ARR of accounts contacted", "ARR of all accounts", 50_000, 100_000, 1, 3),
    ]
    assert [each.what for each in found(asked=None).revenue] == [
        "revenue of accounts that answered",
        "revenue of accounts contacted",
    ]
    assert found(revenue=None).revenue == ()


def test_contacts_are_covered_too():
    """Contacts asked and contacts that answered are of all contacts, with an account or without; strangers are not."""
    measures = found(answered=["a", "b", "c", "e", "stranger"], asked="abcd").contacts
    assert [(each.what, each.of, each.count, each.n) for each in measures] == [
        ("contacts asked", "contacts", 4, 5),
        ("contacts that answered", "contacts", 4, 5),
    ]
    assert found(accounts=None, revenue=None).contacts == ()


def test_an_account_without_a_contact_belongs_to_the_whole():
    """Where nobody is known nobody can be asked, and the coverage says so, of accounts and of revenue."""
    everything = found(revenue=REVENUE | {"w": 100_000})
    assert [each.n for each in everything.accounts] == [4, 4, 2]
    assert everything.revenue[0].value == 0.5
    assert not everything.revenue[0].census


def test_a_census_has_no_sampling_error():
    """Where all were asked nothing is left to chance of who was asked; who answers could still go otherwise."""
    asked, answered, _ = found(answered="abcd").revenue
    assert (asked.census, asked.standard_error, asked.n_effective, asked.interval()) == (True, 0.0, inf, (1.0, 1.0))
    assert repr(asked).endswith("100.0% (census: no sampling error; 3 of 3 accounts)")
    assert (asked.row()["low"], asked.row()["high"], asked.row()["value"]) == (None, None, 1.0)
    assert not answered.census
    assert answered.interval()[0] < 0.5
    assert answered.interval()[1] == 1.0


def test_accounts_that_bring_nothing_have_no_part():
    """They are no sampling units of revenue, and where none brings anything nothing is known."""
    measure = responded([100, 100, 0, 0, 0], [True, False, True, True, False])
    assert (measure.count, measure.n, measure.value) == (1, 2, 0.5)
    nothing = responded([0, 0], [True, False])
    assert (nothing.value, nothing.standard_error, nothing.n_effective) == (None, None, None)
    assert nothing.interval() == (0.0, 1.0)
    assert repr(nothing).endswith("not known (of no revenue)")
    assert not any(each.census for each in found(revenue=dict.fromkeys(REVENUE, 0)).revenue)


def test_one_account_tells_nothing_of_others():
    """Of a single account the share is known, and no limit is."""
    measure = responded([5.0], [True])
    assert (measure.value, measure.standard_error, measure.interval()) == (1.0, None, (0.0, 1.0))


def test_agreement_of_all_is_no_certainty():
    """Where all answered, or none, the limits are those of as many equal accounts as Kish's formula gives."""
    none = responded([60, 30, 10], [False] * 3)
    kish = 100**2 / (60**2 + 30**2 + 10**2)
    assert none.n_effective == pytest.approx(kish)
    square = 4.302652729911275**2  # Student's t with 2 degrees of freedom, at 97.5 %
    assert none.interval() == (0.0, pytest.approx(square / (kish + square)))


def test_amounts_are_numbers_of_any_kind():
    """Decimals of a ledger, fractions and the numbers of NumPy are revenue."""
    amounts = {"x": Decimal("50000.00"), "y": Fraction(60_000, 2), "z": np.float32(20_000)}
    assert found(revenue=amounts).revenue == found().revenue


def test_the_table_has_a_line_for_each():
    """Rows, frames and notebooks show what is covered, and a name that users gave is escaped."""
    shown = found(value="<b>ARR</b>")
    rows = {row["measure"]: row for row in shown.rows()}
    row = rows["<b>ARR</b> of accounts contacted"]
    assert (row["unit"], row["value"], row["count"], row["n"]) == ("share", 0.5, 1, 3)
    assert (row["low"], row["high"]) == shown.revenue[2].interval()
    assert shown.to_frame("polars").rows(named=True) == shown.rows()
    html = shown._repr_html_()
    assert '<td style="text-align:left">census</td>' in html
    assert "<b>" not in html
    assert "&lt;b&gt;ARR" in shown.revenue[0]._repr_html_()
    narrow = shown.revenue[2].row(confidence_level=0.5)
    assert narrow["high"] < row["high"]
    assert [each for each in shown.measures if isinstance(each, RevenueMeasure)] == list(shown.revenue)


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"accounts": None}, r"accounts must be given where revenue is \(got None\)"),
        ({"accounts": ["a"]}, r"accounts must be a mapping of contacts to accounts, .* \(got \['a'\]\)"),
        *(
            (
                {"accounts": ACCOUNTS | wrong},
                rf"accounts must be a mapping of .* or to None \(got {re.escape(str(wrong))}\)",
            )
            for wrong in ({"c": ["x"]}, {"c": nan}, {"c": 5}, {5: "x"})
        ),
        ({"revenue": [5]}, r"revenue must be a mapping of accounts to numbers from 0 to 1e\+15 \(got \[5\]\)"),
        *(
            ({"revenue": REVENUE | {"x": amount}}, "revenue must be a mapping of accounts to numbers from 0 to")
            for amount in (-1, nan, inf, None, "5", True, 2e15, Decimal("NaN"), Decimal("sNaN"))
        ),
        ({"revenue": REVENUE | {None: 5}}, r"numbers from 0 to 1e\+15 \(got {None: 5}\)"),
        (
            {"revenue": {"y": 5}},
            r"revenue must be given for every account that a contact has, be it 0 \(got none for 'x'; 2 such in all\)",
        ),
        ({"value": ""}, r"value must be a name, such as 'arr' \(got ''\)"),
        ({"value": 3}, r"value must be a name, such as 'arr' \(got 3\)"),
    ],
)
def test_what_is_no_revenue_is_refused(given, message):
    """What an account brings is a number known of each, and has a name."""
    with pytest.raises(InvalidArgument, match=message):
        found(**given)


def test_a_level_is_refused():
    """A confidence level lies strictly between 0 and 1, also for a census."""
    for measure in found().revenue:
        with pytest.raises(InvalidArgument, match="confidence_level must be a number strictly between 0 and 1"):
            measure.interval(confidence_level=95)
