"""Conditions: three values, judged on columns as for one person, and able to say why."""

import copy
import datetime as dt
import operator
import pickle
from datetime import UTC, date, timedelta, timezone
from functools import reduce

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument, NetPromoterError, NoTruthValue
from netpromoter.model import Contact, Contacts, column
from netpromoter.rules import Condition, Field, Truth, field

COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
JOIN = {"&": operator.and_, "|": operator.or_}

texts = st.sampled_from(["paid", "free", "Paid", "trial"])
numbers = st.integers(-3, 3) | st.sampled_from([-0.5, 0.0, 1.0, 2.5, 2.0**53, -1e300])
zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
days = st.dates(date(2026, 1, 1), date(2026, 1, 3))
moments = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 3), timezones=zones)  # noqa: DTZ001
VALUES = {"plan": texts, "seats": numbers, "vip": st.booleans(), "since": days | moments, "note": st.text(min_size=1)}
SAMPLE = {"plan": "paid", "seats": 1, "vip": True, "since": date(2026, 1, 2), "note": "n"}

records = st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()})
ORDERED = ("seats", "since")


def solid(values):
    return values.filter(lambda value: not isinstance(value, str) or value.strip())


@st.composite
def leaves(draw):
    name = draw(st.sampled_from(sorted(VALUES)))
    values = solid(VALUES[name])
    verbs = ["==", "!=", "is_in", "is_missing", *(["<", "<=", ">", ">=", "between"] if name in ORDERED else [])]
    verb = draw(st.sampled_from(verbs))
    count = {"is_in": draw(st.integers(1, 4)), "between": 2, "is_missing": 0}.get(verb, 1)
    given_values = [draw(values) for _ in range(count)]
    return (verb, name, *(sorted(given_values, key=instant_of) if verb == "between" else given_values))


trees = st.recursive(
    leaves(),
    lambda parts: st.tuples(st.sampled_from("&|"), parts, parts) | st.tuples(st.just("~"), parts),
    max_leaves=8,
)


def built(tree):
    """Write a tree as one would in code."""
    verb, *rest = tree
    if verb in JOIN:
        return JOIN[verb](*map(built, rest))
    if verb == "~":
        return ~built(rest[0])
    name, *values = rest
    return COMPARE[verb](field(name), *values) if verb in COMPARE else getattr(field(name), verb)(*values)


def instant_of(value):
    if isinstance(value, date) and not isinstance(value, dt.datetime):
        return dt.datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value


def judged(tree, record):
    """Judge a tree by Kleene's tables, as the least, the greatest and the complement of 0, 1/2 and 1."""
    verb, *rest = tree
    if verb == "~":
        return 1 - judged(rest[0], record)
    if verb in JOIN:
        return {"&": min, "|": max}[verb](judged(part, record) for part in rest)
    value, *given_values = (instant_of(each) for each in (record.get(rest[0]), *rest[1:]))
    absent = value is None or (isinstance(value, str) and not value.strip())
    if verb == "is_missing":
        return int(absent)
    if absent:
        return 0.5
    if verb in COMPARE:
        return int(COMPARE[verb](value, *given_values))
    return int(value in given_values if verb == "is_in" else given_values[0] <= value <= given_values[1])


OUTCOMES = {0: False, 0.5: None, 1: True}


def columns_of(rows):
    return {name: column(name, [row[name] for row in rows]) for name in VALUES}


def evaluated(condition, rows):
    """Judge on columns; one person who has every value stands last, so that no column is empty."""
    truth = condition.evaluate(columns_of([*rows, SAMPLE]), len(rows) + 1)
    return [None if unknown else bool(true) for true, unknown in zip(truth.true, truth.unknown, strict=True)][:-1]


# Three values

TRUTHS = {None: (False, True), True: (True, False), False: (False, False)}


def truth_of(values):
    true, unknown = zip(*(TRUTHS[value] for value in values), strict=True)
    return Truth(true=np.array(true), unknown=np.array(unknown))


def values_of(truth):
    return [None if unknown else bool(true) for true, unknown in zip(truth.true, truth.unknown, strict=True)]


def test_truths_join_by_the_tables_of_kleene():
    """Of 0, 1/2 and 1, `&` is the least, `|` the greatest and `~` the complement."""
    levels = {False: 0, None: 0.5, True: 1}
    left, right = [a for a in levels for _ in levels], list(levels) * 3
    pairs = [(levels[a], levels[b]) for a, b in zip(left, right, strict=True)]
    assert values_of(truth_of(left) & truth_of(right)) == [OUTCOMES[min(pair)] for pair in pairs]
    assert values_of(truth_of(left) | truth_of(right)) == [OUTCOMES[max(pair)] for pair in pairs]
    assert values_of(~truth_of(left)) == [OUTCOMES[1 - a] for a, _ in pairs]


@given(trees, st.lists(records, max_size=6))
def test_columns_are_judged_as_kleene_judges_each_record(tree, rows):
    """What is judged at once for everybody is what the tables of Kleene say of each."""
    assert evaluated(built(tree), rows) == [OUTCOMES[judged(tree, row)] for row in rows]


@settings(max_examples=500)
@given(leaves(), st.lists(records, min_size=3, max_size=6))
def test_each_comparison_is_the_one_of_python(leaf, rows):
    """Where there is a value, a comparison says what Python says of the two values."""
    assert evaluated(built(leaf), rows) == [OUTCOMES[judged(leaf, row)] for row in rows]


@given(trees, records)
def test_one_person_is_a_column_of_length_one(tree, record):
    """A single record is judged as a column of it is, and a name that it lacks is a missing value."""
    condition = built(tree)
    known = {name: value for name, value in record.items() if value is not None}
    assert [condition.matches(record)] == evaluated(condition, [record])
    assert condition.matches(known) is condition.matches(record)


@given(trees, st.lists(records, min_size=1, max_size=6))
def test_what_is_unknown_is_never_selected(tree, rows):
    """Nobody is in both halves of a truth, neither for a condition nor for its contrary."""
    for condition in (built(tree), ~built(tree)):
        truth = condition.evaluate(columns_of([*rows, SAMPLE]), len(rows) + 1)
        assert not (truth.true & truth.unknown).any()


@given(trees, trees, trees, records)
def test_conditions_obey_the_laws_of_de_morgan_order_and_grouping(one, two, three, record):
    """De Morgan, double negation, commutativity, associativity and distributivity hold for three values."""
    a, b, c = built(one), built(two), built(three)
    for left, right in (
        (~(a & b), ~a | ~b),
        (~(a | b), ~a & ~b),
        (~~a, a),
        (a & b, b & a),
        (a | b, b | a),
        ((a & b) & c, a & (b & c)),
        (a & (b | c), (a & b) | (a & c)),
    ):
        assert left.matches(record) is right.matches(record)


@given(trees, records)
def test_a_condition_reads_only_its_fields(tree, record):
    """A value whose name is not among the fields of a condition changes nothing."""
    condition = built(tree)
    read = {name: value for name, value in record.items() if name in condition.fields}
    assert condition.matches(read) is condition.matches(record)
    assert condition.explain(read) == condition.explain(record)


@given(st.lists(st.sampled_from([2**53, 2**53 + 1, 2**63 - 1, -(2**63), 7, 7.0, 6.5, 2.0**63, 1e300]), min_size=2))
def test_whole_numbers_of_64_bits_are_compared_exactly(values):
    """A column of whole numbers meets whole and other numbers as Python's do, without rounding either."""
    held = [value for value in values if isinstance(value, int)] or [7]
    columns = {"id": column("id", held)}
    for value in values:
        for sign, compare in COMPARE.items():
            truth = compare(field("id"), value).evaluate(columns, len(held))
            assert truth.true.tolist() == [compare(each, value) for each in held], (sign, value)
        truth = field("id").is_in(*values[:3]).evaluate(columns, len(held))
        assert truth.true.tolist() == [each in values[:3] for each in held]


def test_values_of_missing_people_mean_nothing():
    """Whatever stands where a value is missing, such as a code without a label, nobody is selected by it."""
    held = column("plan", ["paid", "free", None])
    held.values[2] = 99  # noqa: PD011
    truth = (field("plan") != "paid").evaluate({"plan": held}, 3)
    assert (truth.true.tolist(), truth.unknown.tolist()) == ([False, True, False], [False, False, True])


def test_of_nobody_no_field_is_refused():
    """Where there is nobody, nothing tells which fields exist, and the answer is empty."""
    truth = (field("plan") == "paid").evaluate({}, 0)
    assert (truth.true.shape, truth.unknown.shape) == ((0,), (0,))


def test_the_columns_of_contacts_are_what_a_condition_reads():
    """Attributes and the facts that every contact has are asked for in the same way."""
    people = Contacts.of(
        [
            Contact(id="a", locale="fr", since=date(2026, 1, 1), attributes={"plan": "paid"}),
            Contact(id="b", locale="de", since=date(2026, 2, 1), attributes={"plan": "paid"}),
        ]
    )
    condition = (field("plan") == "paid") & (field("locale") == "fr") & (field("since") < date(2026, 1, 15))
    assert condition.evaluate(people.columns, len(people)).true.tolist() == [True, False]


# What a condition is


@given(trees)
def test_what_is_shown_is_the_code(tree):
    """Whoever evaluates the representation of a condition gets the condition."""
    condition = built(tree)
    again = eval(repr(condition), {"field": field, "datetime": dt})  # noqa: S307
    assert again == condition
    assert hash(again) == hash(condition)
    assert str(condition) == repr(condition)


@given(solid(st.text(min_size=1)), solid(st.text(min_size=1)))
def test_any_name_and_text_is_shown_as_code_that_commands_no_terminal(name, text):
    """Quotes, backslashes and control characters come back from the representation, which is printable."""
    condition = field(name) == text
    assert eval(repr(condition), {"field": field}) == condition  # noqa: S307
    assert repr(condition).isprintable()
    assert condition.explain({name: text}).isprintable()


def test_the_code_reads_as_one_would_write_it():
    """Parentheses stand around comparisons and mixed signs, and nowhere else."""
    plan, country = field("plan") == "paid", field("country").is_in("FR", "DE")
    assert repr(field("it's") == '"it\'s"') == 'field("it\'s") == "\\"it\'s\\""'
    assert repr(~~country) == repr(country)
    assert repr(plan & ~country) == '(field("plan") == "paid") & ~field("country").is_in("FR", "DE")'
    assert repr((plan & country) | ~plan) == (
        '((field("plan") == "paid") & field("country").is_in("FR", "DE")) | ~(field("plan") == "paid")'
    )
    assert repr(field("seats").between(1, 5) & (field("x") < 2.5) & field("y").is_missing()) == (
        'field("seats").between(1, 5) & (field("x") < 2.5) & field("y").is_missing()'
    )


@given(trees, trees)
def test_conditions_are_equal_by_what_they_ask(one, two):
    """A condition equals one that is built alike, copied or pickled, and two that are equal decide alike."""
    condition, other = built(one), built(two)
    assert condition == built(one) == ~~condition
    assert pickle.loads(pickle.dumps(condition)) == copy.deepcopy(condition) == condition  # noqa: S301
    if condition == other:
        assert hash(condition) == hash(other)
        assert condition.matches(SAMPLE) is other.matches(SAMPLE)


def test_one_and_true_are_not_the_same_question():
    """Python holds 1 and True for equal, but a number and a flag do not meet."""
    assert (field("vip") == 1) != (field("vip") == True)  # noqa: E712
    assert field("vip").is_in(1) != field("vip").is_in(True)  # noqa: FBT003
    assert (field("vip") == 1) == (field("vip") == 1.0)


def test_a_comparison_may_stand_on_either_side():
    """A value on the left, also one of NumPy or pandas, asks the same as on the right."""
    assert ("paid" == field("plan")) == (field("plan") == "paid")  # noqa: SIM300
    assert (np.int64(3) < field("seats")) == (field("seats") > 3)
    assert (np.float64(2.5) >= field("seats")) == (field("seats") <= 2.5)
    with pytest.raises(InvalidArgument, match=r'what field\("seats"\) is compared with must be'):
        np.array([1, 2]) == field("seats")  # noqa: B015
    later = pd.Timestamp("2026-01-01", tz="Europe/Paris")
    assert (later == field("since")) == (field("since") == dt.datetime(2025, 12, 31, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    ("given_value", "plain"),
    [
        (np.str_("paid"), "paid"),
        (np.int8(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),  # noqa: FBT003
        (date(2026, 1, 2), dt.datetime(2026, 1, 2, tzinfo=UTC)),
    ],
)
def test_values_are_settled_as_plain_python(given_value, plain):
    """A value of NumPy asks the same as the plain one, and a date the same as its midnight in UTC."""
    assert (field("x") == given_value) == (field("x") == plain)
    assert pickle.dumps(field("x") == given_value) == pickle.dumps(field("x") == plain)


@given(trees)
def test_fields_are_the_names_in_the_tree(tree):
    """A condition knows all the names that it asks about, each once."""

    def names(part):
        verb, *rest = part
        return reduce(operator.or_, map(names, rest)) if verb in (*JOIN, "~") else {rest[0]}

    assert built(tree).fields == names(tree)


# Explaining


@given(trees, records)
def test_an_explanation_tells_of_what_decided(tree, record):
    """The fields that an explanation names are of the condition, and decide alone: the others may be anything."""
    condition = built(tree)
    said = condition.explain(record)
    named = {name for name in condition.fields if f"{name} is " in said}
    assert named
    if condition.matches(record) is not None:
        assert condition.matches({name: record[name] for name in named}) is condition.matches(record)
        assert condition.matches(SAMPLE | {name: record[name] for name in named}) is condition.matches(record)


@given(trees, records)
def test_what_is_unknown_is_explained_by_what_is_missing(tree, record):
    """Where a condition is unknown, the explanation names missing fields and nothing else."""
    condition = built(tree)
    missing = {f"{name} is missing" for name in condition.fields}
    clauses = set(condition.explain(record).split(" and "))
    assert (condition.matches(record) is not None) or clauses <= missing


@given(trees, records)
def test_the_contrary_is_explained_by_the_same_facts(tree, record):
    """Negation changes the outcome and not the facts that decide it."""
    condition = built(tree)
    assert (~condition).explain(record) == condition.explain(record)


AT = dt.datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
x = field("x")


@pytest.mark.parametrize(
    ("condition", "value", "said"),
    [
        (x == "paid", "paid", 'x is "paid"'),
        (x == "paid", "free", 'x is "free", not "paid"'),
        (x == "paid", None, "x is missing"),
        (x != "paid", "free", 'x is "free", not "paid"'),
        (x != "paid", "paid", 'x is "paid"'),
        (x == True, False, "x is false, not true"),  # noqa: E712
        (x < 7, 3, "x is 3, below 7"),
        (x < 7, 8.5, "x is 8.5, not below 7"),
        (x <= 7, 8, "x is 8, not at most 7"),
        (x > 7, 8, "x is 8, above 7"),
        (x >= 7, 3, "x is 3, not at least 7"),
        (x < date(2026, 1, 6), AT, "x is 2026-01-05 08:30 UTC, before 2026-01-06"),
        (x > AT, date(2026, 1, 4), "x is 2026-01-04, not after 2026-01-05 08:30 UTC"),
        (x >= AT, AT + timedelta(seconds=1), "x is 2026-01-05 08:30:01 UTC, no earlier than 2026-01-05 08:30 UTC"),
        (x <= AT, AT, "x is 2026-01-05 08:30 UTC, no later than 2026-01-05 08:30 UTC"),
        (x.is_in(8, 6, 2, 1, 0), 6, "x is 6, one of 8, 6, 2, 1, 0"),
        (x.is_in("FR", "DE"), "US", 'x is "US", not one of "FR", "DE"'),
        (x.is_in(*range(1000)), 5, "x is 5, one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 988 more"),
        (x.between(1, 5), 3, "x is 3, between 1 and 5"),
        (x.between(1, 5), 9, "x is 9, not between 1 and 5"),
        (x.is_missing(), None, "x is missing"),
        (x.is_missing(), "FR", 'x is "FR", not missing'),
        (~x.is_in("FR", "DE"), "US", 'x is "US", not one of "FR", "DE"'),
        (x == "a", "b" * 1000, f'x is "{"b" * 59}…", not "a"'),
    ],
)
def test_each_kind_of_comparison_has_its_words(condition, value, said):
    """A clause gives the value and what it was held against, in plain English."""
    assert condition.explain({"x": value}) == said


def test_joined_conditions_tell_only_the_parts_that_decided():
    """False parts explain a false `&`, true parts a true `|`, and all parts the contrary."""
    paid, low = field("plan") == "paid", field("rating") <= 6
    assert (paid & low).explain({"plan": "free", "rating": 3}) == 'plan is "free", not "paid"'
    assert (paid & low).explain({"plan": "paid"}) == "rating is missing"
    assert (paid & low).explain({"plan": "paid", "rating": 3}) == 'plan is "paid" and rating is 3, at most 6'
    assert (paid | low).explain({"plan": "paid", "rating": 9}) == 'plan is "paid"'
    assert (paid | low).explain({"plan": "free"}) == "rating is missing"
    assert (paid | low).explain({"plan": "free", "rating": 9}) == (
        'plan is "free", not "paid" and rating is 9, not at most 6'
    )
    assert (paid & paid).explain({"plan": "free"}) == 'plan is "free", not "paid"'


# Refusals

COLUMNS = {
    "plan": column("plan", ["paid", "free"]),
    "seats": column("seats", [1, None]),
    "vip": column("vip", [True, False]),
    "since": column("since", [date(2026, 1, 1), None]),
    "country": column("country", [None, None]),
}
NAMES = "field must be one of 'plan', 'seats', 'vip', 'since'"


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (field("plna") == "paid", f"{NAMES} (got 'plna'; did you mean 'plan'?)"),
        (~field("Seats").is_missing(), f"{NAMES} (got 'Seats'; did you mean 'seats'?)"),
        (field("plan").is_in("a") & (field("zzz") == 1), f"{NAMES} (got 'zzz'; unknown)"),
        (field("country") == "FR", f"{NAMES} (got 'country'; missing from everybody)"),
        (field("plan") == 3, 'what field("plan") is compared with must be text, as its values are (got 3)'),
        (field("seats") == "3", "must be a number, as its values are (got '3')"),
        (field("seats") == True, "must be a number, as its values are (got True)"),  # noqa: E712
        (field("vip") == 1, 'what field("vip") is compared with must be True or False, as its values are (got 1)'),
        (field("vip") < 1, "must be True or False, as its values are (got 1)"),
        (field("plan") < 1, "must be text, as its values are (got 1)"),
        (field("since").between(1, 2), "must be a date or a datetime with a time zone, as its values are (got (1, 2))"),
    ],
)
def test_a_condition_that_cannot_be_judged_is_refused_by_name(condition, message):
    """A field that nobody has a value of, and values of another kind, are refused with what there is."""
    with pytest.raises(InvalidArgument) as refused:
        condition.evaluate(COLUMNS, 2)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("condition", "truth", "reason"),
    [
        (field("seats") > 10, None, 'seats is "many", not a number'),
        (~(field("seats") > 10), None, 'seats is "many", not a number'),
        (~field("seats").is_missing(), True, 'seats is "many", not missing'),
        ((field("seats") > 10) | (field("plan") == "paid"), True, 'plan is "paid"'),
        ((field("seats") > 10) & (field("plan") == "free"), False, 'plan is "paid", not "free"'),
        ((field("seats") > 10) & (field("plan") == "paid"), None, 'seats is "many", not a number'),
        (field("plan") == True, None, 'plan is "paid", not True or False'),  # noqa: E712
        (field("seats") >= date(2026, 1, 1), None, 'seats is "many", not a date or a datetime with a time zone'),
        (field("vip") == "yes", None, "vip is 1, not text"),
    ],
)
def test_a_value_of_another_kind_can_be_unknown(condition, truth, reason):
    """It is there, and nobody knows how it compares; what does not depend on it is judged as ever."""
    record = {"seats": "many", "plan": "paid", "vip": 1}
    assert condition.matches(record, unlike="unknown") is truth
    assert condition.explain(record, unlike="unknown") == reason


@given(trees, records)
def test_where_all_is_of_its_kind_nothing_depends_on_what_becomes_of_another(tree, record):
    """Whether other kinds are refused or unknown makes no difference to what has none."""
    condition = built(tree)
    assert condition.matches(record, unlike="unknown") is condition.matches(record)
    assert condition.explain(record, unlike="unknown") == condition.explain(record)


def test_what_becomes_of_another_kind_is_one_of_two():
    """It is refused or unknown."""
    for judge in (field("seats") > 10).matches, (field("seats") > 10).explain:
        with pytest.raises(InvalidArgument, match="is compared with must be text"):
            judge({"seats": "many"})
        with pytest.raises(InvalidArgument, match=r"unlike must be one of 'refuse', 'unknown' \(got 'drop'\)"):
            judge({"seats": 1}, unlike="drop")


def test_a_refusal_lists_a_dozen_fields_at_most():
    """Of a wide table only the first fields are listed, with the count of the others, and none if there is none."""
    wide = {f"f{number}": column("f", [1]) for number in range(40)}
    with pytest.raises(InvalidArgument, match=r"'f11' and 28 more \(got 'zzz'; unknown\)"):
        field("zzz").is_missing().evaluate(wide, 1)
    with pytest.raises(InvalidArgument, match=r"field must be one that somebody has a value of \(got 'zzz'; unknown\)"):
        field("zzz").is_missing().evaluate({}, 1)


def test_one_person_with_a_value_of_another_kind_is_refused():
    """What a column of length one refuses, a record refuses too."""
    for ask in (Condition.matches, Condition.explain):
        with pytest.raises(InvalidArgument, match=r'what field\("plan"\) is compared with must be text, .* \(got 3\)'):
            ask(field("plan") == 3, {"plan": "paid"})


OPERAND = (
    "text that is not blank, a finite number (of 64 bits, if whole), True, False, a date or a datetime with a time"
)


@pytest.mark.parametrize(
    "value",
    [None, float("nan"), np.nan, pd.NaT, pd.NA, "", " ", float("inf"), 2**63, 10**400, [1, 2], 1j, x, b"paid"],
    ids=str,
)
def test_values_that_nothing_can_equal_are_refused(value):
    """What is missing is asked for by `is_missing`, and what no column holds is refused at once."""
    for ask in (lambda: x == value, lambda: x != value, lambda: x >= value, lambda: x.is_in("a", value)):
        with pytest.raises(InvalidArgument) as refused:
            ask()
        assert OPERAND in str(refused.value)
        assert ".is_missing() asks for what is missing" in str(refused.value)


@pytest.mark.parametrize(
    "value", [np.timedelta64(3, "D"), np.datetime64("NaT", "us"), np.datetime64("2026-01-01")], ids=repr
)
def test_spans_and_instants_of_numpy_are_refused(value):
    """A span is no number, and an instant without a time zone is none."""
    with pytest.raises(InvalidArgument, match=r'what field\("x"\) is compared with must be text'):
        x.is_in(value)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: x == AT.replace(tzinfo=None), "compared with must be a datetime with a time zone (got datetime"),
        (x.is_in, "compared with must be one or more values of one kind (got ())"),
        (lambda: x.is_in(1, "a"), "compared with must be one or more values of one kind (got (1, 'a'))"),
        (lambda: x.is_in(*(1, True)), "compared with must be one or more values of one kind (got (1, True))"),
        (lambda: x.between(1, date(2026, 1, 1)), "compared with must be one or more values of one kind (got (1, "),
        (lambda: x.between(3, 1), "high must be at least low, 3 (got 1)"),
        (lambda: x.between(date(2026, 1, 1), AT - timedelta(days=9)), "high must be at least low, datetime.date(2026"),
        (lambda: x < "a", "is ordered by must be a number, a date or a datetime with a time zone (got 'a')"),
        (lambda: x >= True, "is ordered by must be a number, a date or a datetime with a time zone (got True)"),
        (lambda: x.between("a", "b"), "is ordered by must be a number, a date or a datetime with a time zone (got 'a'"),
        (lambda: field(""), "name must be text that is not blank (got '')"),
        (lambda: field(3), "name must be text that is not blank (got 3)"),
        (lambda: x == 1 & field("y") == 2, "each part of &, | and ~ must be a condition in parentheses"),
        (lambda: ~x, 'such as (field(...) == ...) (got field("x"))'),
        (lambda: (x == 1) & field("y"), "each part of & must be a condition in parentheses"),
        (lambda: (x == 1) | None, "each part of | must be a condition in parentheses"),
        (lambda: True & (x == 1), "each part of & must be a condition in parentheses"),
        (lambda: None | (x == 1), "each part of | must be a condition in parentheses"),
    ],
)
def test_what_makes_no_condition_is_refused_at_once(ask, message):
    """An argument that no column could meet is refused where it is written."""
    with pytest.raises(InvalidArgument) as refused:
        ask()
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: (x == 1) and (x == 2),
        lambda: x == 1 or x == 2,  # noqa: PLR1714
        lambda: not (x == 1),  # noqa: SIM201
        lambda: 1 < x < 3,
        lambda: 1 if x == 1 else 0,
        lambda: x and (x == 1),
        lambda: "paid" in (x, "free"),
    ],
)
def test_a_condition_is_not_true_or_false_by_itself(mistake):
    """`and`, `or`, `not`, `if`, `in` and chains are refused, and the message names the signs to use."""
    with pytest.raises(NoTruthValue, match=r"must be joined by &, \| and ~, .* a range asked for by \.between") as said:
        mistake()
    assert isinstance(said.value, TypeError)
    assert isinstance(said.value, NetPromoterError)


def test_a_field_is_no_key():
    """Two fields compare to a condition, so that no dictionary could tell them apart."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(Field("x"))
