"""What the loop achieved: every answer counted once, in denominators that add up, as of any instant."""

import random
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.insight import Delivery, Measure, loop
from netpromoter.model import MOVES, Case, CaseOpened, Deadline, FollowUpDecided, Response
from netpromoter.stats import share

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
PROMISES = ("attempt", "contact", "close")
HOURS = st.integers(0, 60).map(lambda hours: START + hours * HOUR)
KEPT_BY = {
    "attempt": {"attempted", "contacted", "unreachable", "declined"},
    "contact": {"contacted", "declined"},
    "close": {"closed"},
}


def answer(contact="c-1", rating=2, at=START, occasion="june", **more):
    return Response(survey="nps", occasion=occasion, contact=contact, rating=rating, at=at, **more)


def again(contact="c-1", rating=9, at=START, occasion="june", **more):
    more = {"survey": "nps-recovery", "purpose": "recovery"} | more
    return Response(occasion=occasion, contact=contact, rating=rating, at=at, **more)


def case(contact="c-1", *, at=START, due=None, moves=(), policy="call", owner="ann", **more):
    """Make a case: each move is a status, an hour and what else there is to tell."""
    due = [Deadline(promise=promise, due=START + hour * HOUR) for promise, hour in (due or {}).items()]
    place = {"survey": "nps", "occasion": "june", "contact": contact, "policy": policy} | more
    found = Case(opened=CaseOpened(rating=2, owner=owner, at=at, deadlines=due, **place))
    for to, hour, *rest in moves:
        moved = found.move(to, by="ann", at=START + hour * HOUR, **(rest[0] if rest else {}))
        found = Case(opened=found.opened, moves=(*found.moves, moved))
    return found


def decided(response, decision="selected", policy="call", at=START):
    return FollowUpDecided(response=response.id, policy=policy, decision=decision, reason="so", at=at)


@st.composite
def cases(draw, answered, policy):
    """Draw the life of a case."""
    promised = draw(st.lists(st.sampled_from(PROMISES), unique=True))
    opened = CaseOpened(
        survey="nps",
        occasion=answered.occasion,
        contact=answered.contact,
        ordinal=answered.ordinal,
        policy=policy,
        rating=answered.rating,
        owner=draw(st.sampled_from([None, "ann", "bea"])),
        at=max(answered.at, draw(HOURS)),
        deadlines=[Deadline(promise=promise, due=draw(HOURS)) for promise in promised],
    )
    found = Case(opened=opened)
    for wait in draw(st.lists(st.integers(0, 12), max_size=5)):
        more = {"resolution": draw(st.sampled_from(["recovered", "duplicate", "no action"]))}
        before = found.moves[-1].at if found.moves else opened.at
        to = draw(st.sampled_from(MOVES[found.status]))
        moved = found.move(to, by="cy", at=before + wait * HOUR, owner=draw(st.sampled_from(["ann", "bea"])), **more)
        found = Case(opened=opened, moves=(*found.moves, moved))
    return found


@st.composite
def worlds(draw):
    """Draw answers, decisions and cases that belong together."""
    asks = draw(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["may", "june"])), unique=True))
    ratings = st.integers(0, 10)
    first = [
        answer(contact, draw(ratings), draw(HOURS), occasion, ordinal=ordinal)
        for contact, occasion in asks
        for ordinal in range(draw(st.integers(1, 2)))
    ]
    second = [again(contact, draw(ratings), draw(HOURS), occasion) for contact, occasion in asks if draw(st.booleans())]
    outcomes = st.sampled_from(["selected", "held out", "over capacity", "not selected"])
    decisions = [
        decided(each, draw(outcomes), policy, draw(HOURS)) for each in first for policy in ("call", "win back")
    ]
    opened = [draw(cases(each, "call")) for each in first if not each.ordinal and draw(st.booleans())]
    return {"responses": first + second, "decisions": decisions, "cases": opened}


# -- laws --------------------------------------------------------------------------------------------------------------


@given(worlds(), HOURS)
def test_denominators_add_up(world, at):
    """What is due, not due and left out are all cases in which something was promised, and shares have one whole."""
    found = loop(**world, at=at)
    asks = {(each.occasion, each.contact) for each in world["responses"] if each.at <= at and each.purpose == "score"}
    there = [
        each for each in world["cases"] if each.opened.at <= at and (each.opened.occasion, each.opened.contact) in asks
    ]
    assert found.answers == found.selected.n == found.contacted_of_all.n == found.closed_of_all.n == len(asks)
    assert found.people == found.coverage.n == len({contact for _, contact in asks})
    assert found.contacted.n == found.closed.n == found.selected.count - found.duplicates
    assert found.contacted.count == found.contacted_of_all.count
    assert found.closed.count == found.closed_of_all.count
    for promise, kept in found.promises.items():
        made = sum(any(deadline.promise == promise for deadline in each.deadlines) for each in there)
        assert kept.kept + kept.late + kept.unmet + kept.not_due + kept.duplicates == made


@given(worlds(), HOURS)
def test_a_case_never_counts_twice(world, at):
    """Each case is one owner's and in each curve once; only what was closed as a duplicate is in none."""
    found = loop(**world, at=at)
    known = {(each.occasion, each.contact) for each in world["responses"] if each.at <= at and each.purpose == "score"}
    there = [each.as_of(at) for each in world["cases"] if each.opened.at <= at]
    there = [each for each in there if (each.opened.occasion, each.opened.contact) in known]
    real = [each for each in there if each.is_open or each.resolution != "duplicate"]
    assert sum(each.cases for each in found.caseloads.values()) == len(real)
    assert {each.n for each in found.times.values()} == {len(real)}
    for owner, caseload in found.caseloads.items():
        mine = [each for each in real if each.owner == owner]
        assert (caseload.cases, caseload.closed) == (len(mine), sum(each.status == "closed" for each in mine))
        assert caseload.contacted == sum(
            any(move.to in {"contacted", "declined"} for move in each.moves) for each in mine
        )


@given(worlds(), HOURS, HOURS)
def test_later_never_removes_a_case_from_what_was_due(world, one, other):
    """A case that was due stays due, whatever is done with it later, and what was in time stays so."""
    before, after = (loop(**world, at=at).promises for at in sorted((one, other)))
    for promise in PROMISES:
        assert before[promise].due <= after[promise].due
        assert before[promise].kept <= after[promise].kept
        assert before[promise].late <= after[promise].late


@given(worlds(), HOURS, st.randoms())
def test_an_instant_is_told_alike_whatever_comes_later(world, at, chance):
    """Facts of later change nothing, and neither does their order, or that some are given twice."""
    found = loop(**world, at=at)
    cut = {
        "responses": [each for each in world["responses"] if each.at <= at],
        "decisions": [each for each in world["decisions"] if each.at <= at],
        "cases": [each.as_of(at) for each in world["cases"] if each.opened.at <= at],
    }
    assert loop(**cut, at=at) == found
    mixed = {name: chance.sample(facts + facts[:2], len(facts[:2]) + len(facts)) for name, facts in world.items()}
    assert loop(**mixed, at=at.astimezone()) == found


@given(worlds(), HOURS, HOURS)
def test_answers_before_and_after_an_instant_are_all_answers(world, since, at):
    """No answer is in two periods: those before and those from an instant on are all."""
    late = loop(**world, at=at, since=since)
    everything = loop(**world, at=at)
    first = {}
    for each in world["responses"]:
        if each.purpose == "score" and each.at <= at:
            first.setdefault((each.occasion, each.contact), each)
    early = sum(each.at < since for each in first.values())
    assert late.answers == everything.answers - early
    assert all(late.promises[promise].due <= everything.promises[promise].due for promise in PROMISES)


def product_limit(spans, time):
    """Multiply, at each time of an event, the share of those still there to whom it did not happen."""
    left = 1.0
    for then in sorted({span for span, happened in spans if happened and span <= time}):
        at_risk = sum(span >= then for span, _ in spans)
        left *= 1 - sum(happened and span == then for span, happened in spans) / at_risk
    return left


@given(worlds(), HOURS)
def test_times_are_those_of_kaplan_and_meier(world, at):
    """The curve is the product-limit over the cases, each from its answer to the event, or to the instant."""
    found = loop(**world, at=at)
    first = {}
    for each in world["responses"]:
        if each.purpose == "score" and each.at <= at and not each.ordinal:
            first[each.occasion, each.contact] = each.at
    there = [each.as_of(at) for each in world["cases"] if each.opened.at <= at]
    real = [each for each in there if each.is_open or each.resolution != "duplicate"]
    for promise in PROMISES:
        spans = []
        for each in real:
            kept = min((move.at for move in each.moves if move.to in KEPT_BY[promise]), default=None)
            begun = first.get((each.opened.occasion, each.opened.contact))
            if begun is not None:
                spans.append(((kept or at) - begun, kept is not None))
        for hours in (0, 1, 5, 24):
            share_left = found.times[promise].at(hours * HOUR)
            assert share_left is None or share_left == pytest.approx(product_limit(spans, hours * HOUR))


@given(worlds(), HOURS)
def test_who_moved_where_is_counted_by_person(world, at):
    """Of each person the last two occasions count, by when they were first answered, with the last revision of each."""
    found = loop(**world, at=at).movement
    table = [[0] * 3 for _ in range(3)]
    for contact in "abcdef":
        mine = {}
        for each in sorted(world["responses"], key=lambda each: each.ordinal):
            if each.purpose == "score" and each.at <= at and each.contact == contact:
                begun = mine[each.occasion][0] if each.occasion in mine else each.at
                mine[each.occasion] = (begun, each.occasion, (each.rating > 6) + (each.rating > 8))
        if len(mine) == 2:
            (_, _, before), (_, _, after) = sorted(mine.values())
            table[before][after] += 1
    assert (found is None) == (not sum(map(sum, table)))
    assert found is None or [list(row) for row in found.table] == table


# -- definitions -------------------------------------------------------------------------------------------------------


def test_nobody_is_a_loop_too():
    """Before anybody has answered, nothing is known, and nothing raises."""
    found = loop([], at=START)
    assert (found.answers, found.survey, found.movement, dict(found.trials)) == (0, None, None, {})
    assert {row["value"] for row in found.rows()} == {None}
    assert found.times["contact"].quantile(0.9) is None
    assert found.by_owner().rows() == []
    assert "Loop(nothing, 2026-06-01 08:00 UTC: 0 answers" in repr(found)
    assert "not known" in found._repr_html_()


def test_whole_loop():
    """Contacted and closed are of the selected and of all, and both wholes are named."""
    answers = [answer(f"c-{number}", rating=number) for number in range(10)]
    decisions = [decided(each, "selected" if each.rating < 5 else "not selected") for each in answers]
    opened = [
        case("c-0", moves=[("contacted", 2), ("resolved", 3, {"resolution": "recovered"}), ("closed", 4)]),
        case("c-1", moves=[("attempted", 2), ("declined", 3)]),
        case("c-2", moves=[("closed", 3, {"resolution": "no action"})]),
        case("c-3", moves=[("closed", 3, {"resolution": "duplicate"})]),
        case("c-4", moves=[("attempted", 9)]),
    ]
    found = loop(answers, decisions, opened, at=START + 10 * HOUR)
    assert repr(found.contacted) == "contacted, of selected answers: 50.0% (95% CI 15.0% to 85.0%; 2 of 4)"
    assert repr(found.closed_of_all) == "closed, of answers: 20.0% (95% CI 5.7% to 51.0%; 2 of 10)"
    assert (found.selected.count, found.duplicates) == (5, 1)
    assert found.coverage.share == share(2, 10)


def test_an_answer_of_several_policies_is_one():
    """A person whom two policies select is selected once, contacted by either, and closed when both cases are."""
    one = case(moves=[("closed", 1, {"resolution": "duplicate"})], policy="one")
    other = case(moves=[("contacted", 1)], policy="other")
    found = loop([answer()], cases=[one, other], at=START + HOUR)
    assert (found.selected.share, found.contacted.share, found.closed.share) == (share(1, 1), share(1, 1), share(0, 1))
    assert found.duplicates == 0
    shut = case(moves=[("closed", 2, {"resolution": "no action"})], policy="other")
    assert loop([answer()], cases=[one, shut], at=START + 2 * HOUR).closed.share == share(1, 1)


def test_a_case_that_was_opened_again_is_not_closed():
    """Closed is where a case stands; the time to close is that of the first closing."""
    opened = case(moves=[("closed", 1, {"resolution": "no action"}), ("reopened", 5)])
    found = loop([answer()], cases=[opened], at=START + 9 * HOUR)
    assert found.closed.count == 0
    assert found.times["close"].median == HOUR


def test_of_a_case_that_comes_twice_the_one_that_knows_more_counts():
    """A case read before and after it was moved is one, as it stands now."""
    for both in ([case(), case(moves=[("contacted", 1)])], [case(moves=[("contacted", 1)]), case()]):
        assert loop([answer()], cases=both, at=START + HOUR).contacted.count == 1


@pytest.mark.parametrize(
    ("moves", "standing"),
    [
        ([("attempted", 48)], "kept"),
        ([("attempted", 49)], "late"),
        ([], "unmet"),
        ([("closed", 3, {"resolution": "no action"})], "unmet"),
        ([("closed", 47, {"resolution": "duplicate"})], "duplicates"),
        ([("closed", 49, {"resolution": "duplicate"})], "unmet"),
        ([("closed", 47, {"resolution": "duplicate"}), ("reopened", 48)], "unmet"),
    ],
)
def test_how_a_promise_stands_is_decided_when_it_is_due(moves, standing):
    """Late and unmet are failures, giving up is no attempt, and calling an overdue case a duplicate helps nobody."""
    opened = case(due={"attempt": 48}, moves=moves)
    kept = loop([answer()], cases=[opened], at=START + 50 * HOUR).promises["attempt"]
    counts = {name: getattr(kept, name) for name in ("kept", "late", "unmet", "not_due", "duplicates")}
    assert counts == dict.fromkeys(counts, 0) | {standing: 1}


def test_a_promise_enters_when_it_is_due():
    """What was done early is in no share until its instant comes, or early successes alone would count."""
    opened = case(due={"attempt": 48}, moves=[("contacted", 1)])
    before, then = (
        loop([answer()], cases=[opened], at=START + 48 * HOUR - wait).promises["attempt"]
        for wait in (timedelta(microseconds=1), timedelta(0))
    )
    assert (before.value, before.not_due, then.value, then.not_due) == (None, 1, 1.0, 0)


def test_a_case_that_was_opened_after_it_was_due_failed():
    """A promise counts from the answer: deciding too late does not excuse."""
    opened = case(at=START + 60 * HOUR, due={"attempt": 48}, moves=[("contacted", 61)])
    assert loop([answer()], cases=[opened], at=START + 61 * HOUR).promises["attempt"].late == 1


def test_nobody_gets_faster_by_giving_up():
    """A case closed without a call stays among those not called, as long as any open one does."""
    called = case("c-1", moves=[("contacted", 10)])
    shut = case("c-2", moves=[("closed", 1, {"resolution": "no action"})])
    given_up, waiting = (
        loop([answer("c-1"), answer("c-2")], cases=[called, other], at=START + 20 * HOUR).times["contact"]
        for other in (shut, case("c-2"))
    )
    assert given_up == waiting
    assert given_up.at(10 * HOUR) == 0.5


def test_a_clock_that_lags_makes_no_negative_time():
    """A call that seems to precede its answer took no time; for an answer that is not given, the case begins."""
    opened = case(at=START, moves=[("contacted", 1)], ordinal=7)
    found = loop([answer(at=START)], cases=[opened], at=START + HOUR)
    assert found.times["contact"].median == HOUR
    early = case(at=START, moves=[("contacted", 1)])
    assert loop([answer(at=START + 2 * HOUR)], cases=[early], at=START + 3 * HOUR).times["contact"].median == 0 * HOUR


# -- rates -------------------------------------------------------------------------------------------------------------


def test_response_rates_are_of_people_and_of_occasions():
    """Unique respondents are of unique people delivered to; who answered without a delivery is in neither."""
    answers = [answer("a"), answer("a", occasion="may"), answer("b"), answer("stranger")]
    delivered = {(occasion, contact): START for contact in "abcd" for occasion in ("may", "june")}
    delivered["june", "e"] = START + 2 * HOUR
    found = loop(answers, at=START + HOUR, delivered=delivered)
    assert found.response_rate == Measure(what="answered", of="people delivered to", share=share(2, 4))
    assert found.answer_rate == Measure(what="answered", of="occasions delivered", share=share(3, 8))
    assert loop(answers, at=START, since=START + HOUR, delivered=delivered).response_rate.value is None
    assert loop(answers, at=START).response_rate is loop(answers, at=START).answer_rate is None


def test_accounts_count_once():
    """An account is asked, has answered or was contacted when one of its people was; people of none are in none."""
    accounts = {"a": "x", "b": "x", "c": "y", "d": "z", "e": None}
    answers = [answer(contact) for contact in "abce"]
    opened = [case(contact, moves=[("contacted", 1)]) for contact in "abe"]
    given = {"cases": opened, "at": START + HOUR, "accounts": accounts}
    found = loop(answers, **given, delivered={("june", contact): START for contact in "abcd"})
    assert [(each.what, each.of, each.count, each.n) for each in found.accounts] == [
        ("accounts asked", "accounts", 3, 3),
        ("accounts that answered", "accounts", 2, 3),
        ("accounts contacted", "accounts that answered", 1, 2),
    ]
    assert [each.what for each in loop(answers, **given).accounts] == ["accounts that answered", "accounts contacted"]


# -- what is given back ------------------------------------------------------------------------------------------------


def rich():
    """Make a loop in which everything is known."""
    chance = random.Random(7)  # noqa: S311
    answers = [answer(f"c-{number}", rating=chance.randrange(7)) for number in range(40)]
    earlier = [answer(f"c-{number}", 9, START - 99 * HOUR, "may") for number in range(9)]
    held = {each.contact for each in answers[::4]}
    decisions = [decided(each, "held out" if each.contact in held else "selected") for each in answers]
    opened = [
        case(each.contact, due={"attempt": 30, "close": 99}, moves=[("contacted", 2 + chance.randrange(40))])
        for each in answers
        if each.contact not in held
    ]
    back = [again(each.contact, chance.randrange(11), START + 600 * HOUR) for each in answers[::2]]
    known = {("june", each.contact): START for each in answers}
    mail = [Delivery(occasion="june", contact=each.contact, step=step, at=START) for each in answers for step in (0, 1)]
    mail += [attrs.evolve(each, contact=f"back {each.contact}", bounced=START) for each in mail[:3]]
    given = {"at": START + 700 * HOUR, "deliveries": mail, "asked_again": known}
    given |= {"declined": {("june", "c-1"): START}, "opted_out": {("june", "c-2"): START}}
    given |= {"accounts": {f"c-{number}": f"a-{number % 7}" for number in range(60)}}
    given |= {"revenue": {f"a-{number}": 10.0**number for number in range(7)}}
    return loop([*answers, *earlier, *back], decisions, opened, **given)


def test_rows_name_every_figure():
    """Each figure has its denominator and its interval, in one table of any library."""
    found = rich()
    rows = found.rows()
    assert {row["unit"] for row in rows} == {"share", "hours", "rating", "points"}
    known = [row for row in rows if None not in (row["low"], row["value"], row["high"])]
    assert all(row["low"] <= row["value"] <= row["high"] for row in known)
    assert {row["measure"] for row in rows if row["unit"] == "share"} > {each.what for each in found.measures}
    assert all(row["measure"] and row["of"] for row in rows)
    assert len({(row["measure"], row["of"], row["policy"]) for row in rows}) == len(rows)
    by_name = {row["measure"]: row for row in rows}
    assert by_name["time to contact, median"]["value"] == found.times["contact"].median / HOUR
    assert by_name["won back, called minus held out"]["value"] == found.trials["call"].won_back_effect.value
    assert by_name["change of score"]["n"] == 9
    narrow = {row["measure"]: row for row in found.rows(confidence_level=0.5)}
    assert narrow["contacted"]["low"] > by_name["contacted"]["low"]
    frame = found.to_frame("polars")
    assert frame.rows(named=True) == rows


def test_a_notebook_shows_the_table():
    """The table has a line for each figure, and escapes what users named."""
    found = rich()
    assert found._repr_html_().count("<tr>") == len(found.rows()) + 1
    named = loop([answer()], [decided(answer(), policy="<b>")], at=START)
    assert "<b>" not in named._repr_html_()
    assert "&lt;b&gt;" in named._repr_html_()
    assert "<td" in named.contacted._repr_html_()
    assert "not due yet" in named.promises["close"]._repr_html_()


def test_promises_add_up_over_disjoint_cases():
    """What is known of different cases is merged; a promise is not added to another."""
    found = rich().promises
    both = found["attempt"] + found["attempt"]
    assert (both.due, both.kept) == (2 * found["attempt"].due, 2 * found["attempt"].kept)
    assert "duplicates" not in repr(both)
    with pytest.raises(InvalidArgument, match=r"other must be of the same promise, 'attempt' \(got 'close'\)"):
        found["attempt"] + found["close"]
    with pytest.raises(TypeError, match="unsupported operand"):
        found["attempt"] + 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"responses": [3]}, r"responses must be made of Response \(got 3\)"),
        ({"responses": 5}, r"responses must be made of Response \(got 5\)"),
        ({"decisions": 5}, r"decisions must be made of FollowUpDecided \(got 5\)"),
        ({"cases": None}, r"cases must be made of Case \(got None\)"),
        ({"decisions": [3]}, r"decisions must be made of FollowUpDecided \(got 3\)"),
        ({"cases": [3]}, r"cases must be made of Case \(got 3\)"),
        ({"at": START.replace(tzinfo=None)}, "at must be a datetime with a time zone"),
        ({"since": 3}, "since must be a datetime with a time zone"),
        ({"delivered": [("june", "c-1")]}, r"delivered must be a mapping of \(occasion, contact\) to an instant"),
        ({"delivered": {"june": START}}, r"delivered must be a mapping of \(occasion, contact\) to an instant"),
        ({"asked_again": {("june", "c-1"): 3}}, r"asked_again must be a mapping of \(occasion, contact\)"),
        ({"accounts": ["c-1"]}, r"accounts must be a mapping of contacts to accounts, .* \(got \['c-1'\]\)"),
        (
            {"responses": [answer(), again(survey="nps", ordinal=1)]},
            r"responses must be of one survey, and of its recovery \(got \['nps'\]\)",
        ),
        ({"cases": [case(survey="ces")]}, r"cases must be those of 'nps', as the responses are \(got Case"),
    ],
)
def test_what_is_no_fact_is_refused(given, message):
    """Each argument says what it must be made of."""
    with pytest.raises(InvalidArgument, match=message):
        loop(**{"responses": [answer()], "at": START} | given)
