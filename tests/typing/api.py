"""Every public name, used as a user would: type checkers read this file, and nothing runs it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import partial
from pathlib import Path
from secrets import token_bytes
from typing import Any, assert_type
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis.strategies import SearchStrategy
from matplotlib.axes import Axes

import netpromoter as nps
from netpromoter import (
    channels,
    engine,
    errors,
    formats,
    frames,
    insight,
    model,
    plugins,
    ratings,
    report,
    rules,
    stats,
    stores,
    testing,
    wording,
)


def score_of_a_column() -> None:
    s = nps.score([10, 9, "8 - likely", None], missing="drop", scale="0-10")
    assert_type(s, nps.Score)
    assert_type(s.value, float)
    assert_type(s.exact, Fraction)
    assert_type(s.promoters + s.passives + s.detractors, int)
    assert_type(s.n, int)
    assert_type(s.missing, int)
    assert_type(s.standard_error, float)
    assert_type(s.promoter_share + s.passive_share + s.detractor_share, float)
    assert_type(s.mean, float)
    assert_type(s.histogram, ratings.Histogram | None)
    assert_type(s.interval(confidence_level=0.9, method="scas"), tuple[float, float])
    assert_type(s.share_intervals(method="goodman"), dict[str, tuple[float, float]])
    assert_type(s.probability_above(50, prior="perks"), float)
    assert_type(s.test(against=30, method="scas", alternative="greater"), stats.SignificanceTest)
    assert_type(s + s, nps.Score)
    assert_type(nps.score([10, 9], population=200).population, int | None)
    assert_type(s.census, bool)
    nps.score(np.array([1.0, np.nan]), missing="drop")
    nps.Score.from_counts(promoters=3, passives=2, detractors=1, missing=4)
    nps.Score.from_histogram([0, 0, 0, 0, 0, 0, 1, 0, 3, 0, 6], missing=1)
    nps.Score.from_histogram(ratings.histogram([9, 10]))


def difference_of_two_scores(before: nps.Score, after: nps.Score) -> None:
    d = nps.compare(before, after)
    assert_type(d, nps.Difference)
    assert_type(d.before, nps.Score)
    assert_type(d.after, nps.Score)
    assert_type(d.value, float)
    assert_type(d.exact, Fraction)
    assert_type(d.standard_error, float)
    assert_type(d.interval(method="mover", confidence_level=0.99), tuple[float, float])
    t = d.test(method="permutation", alternative="less")
    assert_type(t.statistic, float)
    assert_type(t.p_value, float)
    assert_type(t.method, str)
    assert_type(t.alternative, stats.Alternative)


def scores_by_design(frame: pl.DataFrame) -> None:
    s = stats.design_score(
        frame["rating"],
        probabilities=frame["probability"],
        strata=frame["plan"],
        populations={"paid": 400, "free": None},
        clusters=frame["account"],
        margins=[(frame["region"], {"EMEA": 40, "APAC": 60})],
        where=frame["region"] == "EMEA",
        lonely="adjust",
        missing="drop",
        scale="0-10",
    )
    assert_type(s, stats.DesignScore)
    assert_type(s.value + s.standard_error + s.variance + s.srs_variance + s.n_kish + s.n_effective, float)
    assert_type(s.promoter_share + s.passive_share + s.detractor_share, float)
    assert_type(s.n + s.sampled + s.degrees_of_freedom + s.missing + s.uncovered, int)
    assert_type(s.design_effect, float | None)
    assert_type(s.census, bool)
    method: stats.DesignInterval = "t"
    lonely: stats.LonelyPolicy = "certainty"
    assert_type(s.interval(method=method, confidence_level=0.9), tuple[float, float])
    assert_type(s.test(method=method, against=30, alternative="greater"), stats.SignificanceTest)
    stats.design_score([10, 9], weights=np.array([1.0, 2.0]), populations=200, lonely=lonely)
    stats.design_score([10, 9], clusters=[1, 2], populations=9, cluster_populations={1: 5, 2: 4})


def shares_and_spans() -> None:
    s = stats.share(52, 126)
    assert_type(s, stats.Share)
    assert_type(s.count + s.n, int)
    assert_type(s.value, float | None)
    assert_type(s.exact, Fraction | None)
    alone: stats.ShareInterval = "clopper_pearson"
    assert_type(s.interval(method=alone, confidence_level=0.9), tuple[float, float])
    assert_type(s + s, stats.Share)
    curve = stats.survival([timedelta(hours=3), timedelta(hours=9)], [True, False])
    assert_type(curve, stats.Survival)
    assert_type(curve.n + curve.events + curve.censored, int)
    assert_type(curve.times, npt.NDArray[np.float64])
    assert_type(curve.shares, npt.NDArray[np.float64])
    assert_type(curve.happened, npt.NDArray[np.int64])
    assert_type(curve.left, npt.NDArray[np.int64])
    assert_type(curve.at_risk, npt.NDArray[np.int64])
    assert_type(curve.spans, bool)
    assert_type(curve.at(timedelta(hours=4)), float | None)
    assert_type(curve.median, float | timedelta | None)
    assert_type(curve.quantile(0.9), float | timedelta | None)
    greenwood: stats.SurvivalInterval = "log"
    assert_type(curve.interval(timedelta(hours=4), method=greenwood), tuple[float, float])
    low, _ = curve.quantile_interval(confidence_level=0.9)
    assert_type(low, float | timedelta | None)
    assert_type(curve.rows(method="plain"), list[dict[str, Any]])
    stats.survival(np.array([1.0, 2.0]))


def the_same_people_twice() -> None:
    d = nps.compare_paired([10, 9, None], np.array([9, 9, 3]), missing="drop", scale="0-10")
    assert_type(d, nps.PairedDifference)
    assert_type(d.first, nps.Score)
    assert_type(d.second, nps.Score)
    assert_type(d.value + d.standard_error + d.agreement, float)
    assert_type(d.exact, Fraction)
    assert_type(d.n + d.missing + d.improved + d.worsened, int)
    assert_type(d.changes, tuple[int, int, int, int, int])
    assert_type(d.correlation, float | None)
    assert_type(d.kappa, float | None)
    assert_type(d + d, nps.PairedDifference)
    between: stats.PairedInterval = "mean_square"
    tested: stats.PairedTest = "sign_flip"
    moved: stats.MovementTest = "bowker"
    assert_type(d.interval(method=between, confidence_level=0.9), tuple[float, float])
    assert_type(d.test(method=tested, alternative="greater"), stats.SignificanceTest)
    assert_type(d.movement_test(method=moved), stats.SignificanceTest)


def arms_of_a_survey(a: nps.Score, b: nps.Score) -> None:
    found = nps.compare_variants({"plain": 1000, "personal": 1000}, {"plain": a, "personal": b})
    assert_type(found, nps.VariantComparison)
    nps.compare_variants({"plain": 1000, "personal": 1000}, {"plain": a, "personal": None})
    assert_type(found.arms, tuple[str, ...])
    assert_type(found.invited, tuple[int, ...])
    assert_type(found.answered, dict[str, int])
    assert_type(found.rates, dict[str, float])
    assert_type(found.unanswerable, str | None)
    assert_type(found.rate_test(), stats.SignificanceTest)
    assert_type(found.score_test(), stats.SignificanceTest | None)
    assert_type(found.score_differences["plain", "personal"], nps.Difference)
    assert_type(found.rows(confidence_level=0.9), list[dict[str, Any]])
    assert_type(found.pairs(), list[dict[str, Any]])
    d = found.rate_differences["plain", "personal"]
    assert_type(d, nps.RateDifference)
    assert_type(d.rates, tuple[float, float])
    assert_type(d.value + d.standard_error, float)
    assert_type(d.exact, Fraction)
    between: stats.RateInterval = "newcombe"
    tested: stats.RateTest = "wald"
    assert_type(d.interval(method=between, confidence_level=0.9), tuple[float, float])
    assert_type(d.test(method=tested, alternative="less"), stats.SignificanceTest)
    nps.RateDifference(answered=(3, 4), invited=(10, 12))


def many_intervals() -> None:
    low, high = stats.intervals([55, 6], [30, 3], [15, 1], method="exact", confidence_level=0.99)
    assert_type(low, npt.NDArray[np.float64])
    assert_type(high, npt.NDArray[np.float64])
    row = stats.METHODS["score"]
    assert_type(row, stats.IntervalMethod)
    assert_type(row.title, str)
    c = stats.coverage("newcombe", 10, confidence_level=0.9, truths=[[0.5, 0.2]])
    assert_type(stats.coverage("score", 10, population=20).population, int | None)
    assert_type(c, stats.Coverage)
    assert_type(c.minimum + c.mean + c.mean_width, float)
    groups = np.array([0, 1, 1], np.int32)
    counted = stats.tally(np.array([9, 3, 10], np.int8), groups, 2)
    assert_type(counted, stats.Tally)
    method: stats.Method = "bootstrap_bca"
    stats.coverage(method, 5)
    between: stats.DifferenceInterval = "welch"
    tested: stats.DifferenceTest = "likelihood_ratio"
    one_sample: stats.ScoreTestMethod = "exact"
    s = nps.score([9])
    s.test(method=one_sample)
    nps.compare(s, s).test(method=tested)
    nps.compare(s, s).interval(method=between)


def answers() -> None:
    assert_type(ratings.parse("10 - Extremely likely"), int | None)
    assert_type(ratings.category(9), ratings.Category)
    assert_type(ratings.codes([1, None]), npt.NDArray[np.int8])
    ratings.histogram([1, ratings.MISSING + 1])
    h = ratings.histogram([1, None], missing="drop", scale="1-10")
    assert_type(h.counts, tuple[int, ...])
    assert_type(h.mean, float)
    assert_type(h + h, ratings.Histogram)
    assert_type(ratings.scale_doubt(5_000, 1, 10), str | None)
    policy: ratings.MissingPolicy = "drop"
    scale: ratings.Scale = "1-10"
    ratings.histogram([1], missing=policy, scale=scale)


def scores_by_segment(frame: pl.DataFrame) -> None:
    by = nps.score_by(frame, rating="rating", by=["plan", "country"], missing="drop", minimum_group=5, scale="0-10")
    assert_type(by, nps.Breakdown)
    assert_type(by["pro", "FR"], nps.Score)
    assert_type(by.total, nps.Score)
    assert_type(len(by), int)
    assert_type(by.withheld, int)
    assert_type(by.n, npt.NDArray[np.int64])
    assert_type(by.by, tuple[str, ...])
    assert_type(by.minimum_group, int | None)
    low, high = by.intervals(confidence_level=0.9, method="wald")
    assert_type(low + high, npt.NDArray[np.float64])
    assert_type(by.sorted("nps", descending=True), nps.Breakdown)
    assert_type(by.rows(method="scas"), list[dict[str, Any]])
    by.to_frame(library="polars")
    nps.score_by([10, 9, None], by={"plan": ["pro", "free", "pro"]}, missing="drop")
    for key in by:
        print(key, key in by)
    frames.Origin(library="polars")


def survey_files(path: Path) -> None:
    found = formats.answers(path, rating="nps", by=["plan"], delimiter=";", encoding="utf-8", scale="0-10")
    assert_type(found, formats.Answers)
    assert_type(found.rows, formats.Rows)
    assert_type(found.rows.refusals, tuple[formats.Refusal, ...])
    assert_type(found.file, formats.File)
    assert_type(found.file.damage, tuple[formats.Damage, ...])
    assert_type(found.histogram, ratings.Histogram)
    policy: formats.InvalidPolicy = "drop"
    assert_type(found.score(missing="drop", invalid=policy), nps.Score)
    assert_type(found.breakdown(missing="drop", minimum_group=5), nps.Breakdown)
    print(formats.columns(path))


def lists_of_people(frame: pl.DataFrame, path: Path) -> nps.Contacts:
    assert_type(frames.contacts(frame, id="customer", addresses={"email": "mail"}, key=b"secret"), nps.Contacts)
    assert_type(formats.contacts(path, since="joined", attributes=["plan"], encoding="utf-8"), nps.Contacts)
    library: frames.Library = "polars"
    frames.frame({"contact": ["c-1"], "step": [0]}, {"contact": str, "step": int}, library)
    ann = nps.Contact(
        id="c-1",
        addresses={"email": "ann@example.com"},
        locale="fr",
        time_zone="Europe/Paris",
        account="a-1",
        since=date(2024, 3, 1),
        attributes={"plan": "paid", "seats": 12, "active": True, "renewal": datetime(2026, 9, 1, tzinfo=UTC)},
    )
    people = nps.Contacts.of([ann], key=b"secret")
    assert_type(people["c-1"], nps.Contact)
    assert_type(ann.attributes["plan"], model.Value)
    assert_type(ann.since, datetime | None)
    assert_type(len(people), int)
    assert_type(people.since, model.Instants)
    assert_type(people.columns["plan"], model.Column)
    assert_type(model.fingerprint("ann@example.com", key=b"secret"), int)
    for person in people:
        assert_type(person, nps.Contact)
    return people


def what_has_happened(message: model.Message, at: datetime) -> list[model.Event]:
    survey = nps.Survey(
        "support",
        kind="transactional",
        product="Acme",
        drivers=(model.Driver(key="speed", question="How fast?", touchpoint="case.closed"),),
        stands_for="relationship",
    )
    kind: model.SurveyKind = survey.kind
    purpose: model.Purpose = "recovery"
    answer = model.Response(
        survey=survey.key, kind=kind, occasion="case-7", contact="c-1", rating=9, at=at, comment="ok", purpose=purpose
    )
    assert_type(answer.rating, int)
    events: list[model.Event] = [
        model.Scheduled(message=message, at=at),
        model.Sending(message=message.id, worker="w-1", at=at, until=at + timedelta(minutes=5)),
        model.Withheld(message=message.id, at=at, reason="answered"),
        model.Settled(message=message.id, at=at, delivered=True),
        model.Sent(message=message.id, at=at, reference="42"),
        model.Failed(message=message.id, at=at, reason="mailbox full", permanent=False),
        model.Shown(survey="support", kind=kind, occasion="case-7", contact="c-1", at=at, channel="web"),
        model.Responded(response=answer, at=at),
        model.Declined(survey="support", occasion="case-7", contact="c-1", at=at),
        model.OptedOut(contact="c-1", at=at, reminders_only=True),
        model.OptedIn(contact="c-1", at=at),
        model.Bounced(contact="c-1", at=at, channel="email", destination=message.destination),
        model.Triggered(event="case-7", touchpoint="case.closed", contact="c-1", at=at, snapshot={"queue": "billing"}),
        model.Coded(response=answer.id, code="price", coder="kim", at=at),
    ]
    receipt = model.Receipt(message=message.id, accepted=False, reason="busy", retry_after=timedelta(minutes=5))
    assert_type(receipt.retry_after, timedelta | None)
    assert_type(model.message_id("support", "case-7", "c-1", 0, 0), str)
    touches = nps.Touches.of(events)
    assert_type(touches, nps.Touches)
    assert_type(touches + touches, nps.Touches)
    print(model.KINDS[int(touches.kind[0])])
    return events


def values_and_columns(event: model.Event) -> None:
    record: model.Record = event
    print(model.from_dict(model.to_dict(record)))
    held = model.column("plan", ["paid", None])
    assert_type(held, model.Column)
    assert_type(held.kind, model.Kind)
    assert_type(held[0], model.Value)
    moment = model.instant("at", datetime(2026, 9, 1, tzinfo=UTC))
    assert_type(moment, np.datetime64)
    assert_type(model.aware(moment), datetime | None)
    assert_type(model.in_utc("at", datetime(2026, 9, 1, tzinfo=UTC)), datetime)
    assert_type(model.datetimes(np.array([moment])), list[datetime | None])
    assert_type(model.span("wait", timedelta(days=1)), np.timedelta64)
    print(model.NEVER)
    assert_type(model.survey_of(model.quoted(model.unquoted("a%2Fb"))), str)


def conditions(people: nps.Contacts) -> rules.Condition:
    plan = nps.field("plan")
    assert_type(plan, rules.Field)
    assert_type(plan == "paid", rules.Condition)
    assert_type(plan != "paid", rules.Condition)
    assert_type(nps.field("seats") >= 10, rules.Condition)
    assert_type(nps.field("since") < date(2026, 1, 1), rules.Condition)
    assert_type(nps.field("seats").between(10, 50), rules.Condition)
    assert_type(nps.field("rating").is_in(8, 6, 2, 1, 0), rules.Condition)
    asked = (plan == "paid") & ~plan.is_missing() | (nps.field("seats") > 3)
    assert_type(asked, rules.Condition)
    assert_type(asked.fields, frozenset[str])
    assert_type(asked.matches({"plan": "paid", "seats": 3}), bool | None)
    assert_type(asked.explain({"plan": None}), str)
    truth = asked.evaluate(people.columns, len(people))
    assert_type(truth, rules.Truth)
    assert_type(truth & ~truth | truth, rules.Truth)
    return asked


def policies(paying: rules.Condition) -> nps.Policy:
    opens, closes = datetime(2026, 9, 7, tzinfo=UTC), datetime(2026, 10, 7, tzinfo=UTC)
    wave = nps.Wave("2026-autumn", opens=opens, closes=closes, drip=timedelta(days=5))
    cadences: list[rules.Cadence] = [
        wave,
        nps.Waves([wave]),
        nps.Continuous(every=timedelta(days=90), start=opens),
        nps.Trigger("case.closed", delay=timedelta(hours=2), within=timedelta(days=3), not_before="result_at"),
        nps.Trigger("exam.taken", not_before=paying),
    ]
    clock: rules.Clock = "answered"
    scope: rules.Scope = "kind"
    audience: list[rules.Audience] = [
        nps.Census(where=paying, name="paying"),
        nps.Sample(share=0.1, name="free"),
        nps.Sample(size=50, by=["country", "tier"]),
        nps.Sample(size=50, by="country"),
    ]
    nps.Policy(survey=nps.Survey("nps"), cadence=cadences[2], audience=nps.Census(), rules=[], reminders=None)
    nps.Policy(survey=nps.Survey("nps"), cadence=cadences[1], channels="email", rules=nps.DailyCap(50))
    policy = nps.Policy(
        survey=nps.Survey("relationship", product="Acme"),
        cadence=wave,
        audience=audience,
        rules=[
            *rules.DEFAULT_RULES[:-1],
            nps.QuietPeriod(days=90, after=clock, scope=scope),
            nps.MinimumTenure(days=30),
            nps.AtMost(3, per=timedelta(days=90), scope="any"),
            nps.AccountLimit(5, per=timedelta(days=90)),
            nps.DailyCap(50, of="answers"),
            nps.SendWindow("Mon-Fri", "08:00-11:00", holidays=[date(2026, 12, 25)]),
            rules.per_contact(no_interns, every_message=True),
            no_friday,
        ],
        reminders=nps.Reminders(
            after=[timedelta(days=3), timedelta(days=7)],
            max_messages=3,
            per=timedelta(days=90),
            within=timedelta(days=30),
            templates=["reminder", "last call"],
        ),
        channels=nps.Channels("email", "sms", prefer="likes", after_silence="next"),
        variants=nps.Variants(nps.Variant("plain", subject="Hello"), nps.Variant("short", weight=2, template="brief")),
        time_zone="Europe/Berlin",
        keep=["plan"],
    )
    assert_type(policy.window, nps.SendWindow | None)
    assert_type(policy.audience, Sequence[rules.Audience])
    print(rules.GUARD, rules.CLOCKS[clock], rules.SCOPES)
    return policy


def no_interns(contact: nps.Contact, history: Sequence[Mapping[str, Any]], at: datetime) -> rules.Hold | None:
    return rules.Hold("an intern", until=at) if contact.attributes.get("title") == "intern" and history else None


def no_friday(people: rules.People, at: np.datetime64) -> rules.Holds:
    asked = people.last("invited", scope="survey")
    assert_type(asked, model.Instants)
    assert_type(people.nth_last(3, "messaged", after=at), model.Instants)
    until = np.where(np.isnat(asked), model.NEVER, rules.FOREVER)
    return rules.Holds(until=until, reasons=["Friday"], codes=np.zeros(len(people), np.int8))


class Half:
    """A quota of one's own."""

    reason = "half of them"
    every_message = False

    def admit(self, _people: rules.People, candidates: npt.NDArray[Any], _at: np.datetime64) -> npt.NDArray[np.bool_]:
        """Admit every other one."""
        admitted: npt.NDArray[np.bool_] = np.arange(len(candidates)) % 2 == 0
        return admitted


class Always:
    """A cadence of one's own."""

    def seed(self, _at: np.datetime64) -> str:
        """Draw once."""
        return "always"

    def readiness(self, people: rules.People, at: np.datetime64) -> rules.Readiness:
        """Let everybody be asked now."""
        size = len(people)
        return rules.Readiness(
            ready=np.full(size, at),
            reasons=[""],
            codes=np.zeros(size, np.int8),
            ends=rules.FOREVER,
            over="over",
            occasions=["always"],
        )


def beneath_the_rules(people: nps.Contacts, touches: nps.Touches, at: np.datetime64) -> None:
    rule: rules.Rule = no_friday
    quota: rules.Quota = Half()
    policy = nps.Policy(survey=nps.Survey("nps"), cadence=Always(), rules=[rule, quota])
    history = rules.History(people, touches)
    held = rule(rules.People(contacts=people, history=history, survey=policy.survey), at)
    assert_type(held.until, model.Instants)
    assert_type(history.occasions((0,)), rules.Occasions)
    assert_type(rules.draws(people, "sample", "autumn"), npt.NDArray[np.float64])
    assert_type(rules.selection(policy.audience, people, "autumn"), rules.Selection)
    assert_type(rules.zone("Europe/Paris"), ZoneInfo | None)
    window = nps.SendWindow()
    assert_type(window.next_openings("Europe/Paris", people.since), model.Instants)
    openings, unknown = rules.in_windows(window, people.time_zone, "UTC", people.since)
    assert_type(openings, model.Instants)
    assert_type(unknown, npt.NDArray[np.bool_])
    assert_type(rules.Routes(policy.channels, people, history).failed, npt.NDArray[np.bool_])
    assert_type(rules.among(people.destinations, people.destinations), npt.NDArray[np.bool_])


def whom_to_call(answer: model.Response, event: model.Event, at: datetime) -> None:
    paris = nps.BusinessHours("Mon-Fri", "09:00-17:00", holidays=[at.date()], time_zone="Europe/Paris")
    assert_type(paris.after(at, timedelta(hours=8)), datetime)
    assert_type(paris.per_week, timedelta)
    rules.SameDay("contact", hours=nps.BusinessHours(time_zone=nps.field("time_zone")))
    first = nps.Priority(nps.field("vip"), (nps.field("tier") == "large", 10), start=1, times=nps.field("revenue"))
    assert_type(first.of({"vip": True}), float)
    assert_type(nps.Capacity(per_day=20, share=0.3).left(answers=10, cases=1, today=1), int)
    routing = nps.Routing(
        nps.Route(nps.field("account_owner")),
        nps.Route(nps.field("language"), {"fr": "amelie", "de": ["carl", "doris"]}),
        owners=[nps.Owner("ann", per_month=12), "ben"],
        pool=["ben"],
    )
    policy = nps.FollowUp(
        (nps.field("tier") == "large") | (rules.DETRACTORS & rules.WITH_COMMENT) | rules.asked_for_contact(),
        within=[nps.Within("attempt", timedelta(hours=16), hours=paris, notice_after=timedelta(hours=8))],
        owner=routing,
        capacity=nps.Capacity(share=1 / 3),
        holdout=0.1,
        priority=first,
        name="recover",
        version=2,
        time_zone="Europe/Paris",
    )
    nps.FollowUp(within=timedelta(hours=48), owner=nps.field("account_owner"), priority=nps.field("revenue"))
    policy.check([*rules.ANSWER_FIELDS, "tier"])
    policy.check({"tier": ["large", None], "seats": {3}})
    assert_type(policy.fields, frozenset[str])
    assert_type(policy.deadlines(answer), tuple[model.Deadline, ...])
    load = rules.Load.of([event]).after([event])
    assert_type(load.open_cases, dict[str | None, int])
    assert_type(load.cases["nps/1/c-1/recover"], rules.Assignment)
    made = rules.decide(policy, [answer], at=at, load=load, facts={answer.id: {"theme": "billing"}}, known=["plan"])
    rules.decide(policy, [answer], at=at, known={"plan": ["paid"]})
    assert_type((nps.field("seats") > 9).matches({"seats": "many"}, unlike="unknown"), bool | None)
    assert_type(first.of({"seats": "many"}, unlike="unknown"), float)
    assert_type(made, rules.Decisions)
    assert_type(made.counts, dict[model.FollowUpDecision, int])
    assert_type(made.selected, tuple[rules.Decision, ...])
    assert_type(made.events, list[model.FollowUpDecided | model.CaseOpened])
    assert_type(list(made.rows()), list[dict[str, Any]])
    made.to_frame("polars")
    promised: rules.Promised = rules.SameDay()
    term: rules.Term = (rules.LEVER_SCORES | rules.PROMOTERS, 2)
    rules.promoter_referrals(within=promised, priority=nps.Priority(term))
    tried = nps.backtest(rules.sendgrid(large=nps.field("seats") > 500), [answer], load=load)
    assert_type(tried, nps.Backtest)
    assert_type(tried.peak_day, date | None)
    assert_type(tried.owners, dict[str, int])
    assert_type(tried.cases + tried.unowned, tuple[rules.Decision, ...])
    assert_type(list(tried.owner_rows()), list[dict[str, Any]])
    tried.to_frame("pandas")
    rules.every_detractor(priority=rules.high_value_low_score("revenue"))


def plans(people: nps.Contacts, events: list[model.Event], policy: nps.Policy, at: datetime) -> None:
    plan = nps.plan(people, events, policy, at=at, horizon=timedelta(days=7))
    nps.plan([nps.Contact(id="c-1")], [], policy, at=at)
    nps.plan(pl.DataFrame({"id": ["c-1"]}), [], policy, at=at)
    nps.plan(Path("contacts.csv"), [], policy, at=at)
    assert_type(plan, nps.Plan)
    assert_type(plan.why("c-1"), str)
    assert_type(plan.invitations, engine.Messages)
    assert_type(plan.reminders[0], model.Message)
    assert_type(plan.invitations[:3], Sequence[model.Message])
    assert_type(plan.held, engine.Held)
    assert_type(plan.held.counts, dict[str, int])
    assert_type(plan.held.rows(), Iterator[dict[str, Any]])
    assert_type(plan.rows(), Iterator[dict[str, Any]])
    assert_type(plan.drawn, tuple[model.WaveDrawn, ...])
    plan.to_frame("pandas")
    for message in plan.invitations:
        assert_type(message.due, datetime)
    adoption = nps.adopt(plan, events, at=at, policy=policy)
    assert_type(adoption, nps.Adoption)
    assert_type(adoption.plan, nps.Plan)
    assert_type(adoption.dropped, engine.Held)
    assert_type(adoption.touches(), nps.Touches)
    nps.plan(people, adoption.events, policy, at=at)
    nps.plan(people, [*events, *adoption.events], policy, at=at)
    assert_type(engine.compare_arms(events, "relationship", occasion="2026-autumn"), nps.VariantComparison)
    assert_type(engine.compare_proxy(events, policy.survey), nps.PairedDifference)


def a_simulated_year(people: nps.Contacts, policy: nps.Policy, touches: nps.Touches, at: datetime) -> None:
    paying = nps.Behavior(response=[0.3, 0.1], ratings=[0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3], delay=timedelta(hours=9))
    behavior = nps.Behavior(response=0.1, segments=[(nps.field("plan") == "paid", paying)], opt_out=0.001)
    assert_type(nps.Behavior.fitted(touches, within=timedelta(days=7)), nps.Behavior)
    year = nps.simulate(
        [policy],
        people,
        behavior=behavior,
        at=at,
        rng=np.random.default_rng(1),
        days=365,
        touches=touches,
        triggered=[],
        every=timedelta(hours=12),
        follow_up=nps.field("rating") <= 6,
    )
    assert_type(year, nps.Simulation)
    assert_type(year.totals, dict[str, int])
    assert_type(year.score, nps.Score)
    assert_type(year.by_day, engine.Days)
    assert_type(year.by_day.count("messages"), npt.NDArray[np.int64])
    assert_type(year.never_asked.counts, dict[str, int])
    assert_type(year.people_by_asks, dict[int, int])
    assert_type(year.intervals(every=7, confidence_level=0.9, method="scas"), list[dict[str, Any]])
    assert_type(year.of("relationship"), nps.Simulation)
    assert_type(year.rows(), Iterator[dict[str, Any]])
    year.to_frame("polars")
    again = nps.replay(policy, people, touches, start=at, end=at + timedelta(days=90), match=timedelta(days=30))
    assert_type(again, nps.Replay)
    assert_type(again.asks + again.answered + again.silent + again.unknown + again.messages_saved, int)
    assert_type(again.share_unknown, float)
    assert_type(again.score, nps.Score)
    assert_type(again.bounds(), tuple[float, float])
    assert_type(again.intervals(), list[dict[str, Any]])
    again.to_frame("pandas")


class Postcard:
    """A channel of one's own."""

    idempotent = True

    def send(self, message: model.Message, /) -> model.Receipt:
        """Carry one message."""
        text = message.text or message.html or ""
        return model.Receipt.sent(message, "42") if text else model.Receipt.failed(message, "empty", permanent=True)


class Office:
    """A plugin of one's own."""

    @nps.hookimpl
    def netpromoter_register_channels(self) -> Mapping[str, Callable[..., plugins.Channel]]:
        """Offer a channel."""
        return {"post": Postcard}

    @nps.hookimpl
    def netpromoter_message_sent(self, message: model.Message, receipt: model.Receipt) -> None:
        """Be told."""
        print(message.id, receipt.reference)


def what_carries(folder: Path) -> dict[str, plugins.Channel | Callable[[], plugins.Channel]]:
    security: channels.Security = "starttls"
    smtp = nps.SmtpChannel(
        "smtp.example.com",
        port=587,
        security=security,
        sender="Acme <care@example.com>",
        username="acme",
        password=os.environ["SMTP_PASSWORD"],
        timeout=timedelta(seconds=20),
        final_timeout=timedelta(minutes=5),
    )
    hook = nps.WebhookChannel("https://example.com/hook", clock=lambda: datetime.now(UTC))
    found = nps.load_plugins(Office(), entry_points=False)
    assert_type(found, plugins.Plugins)
    assert_type(found.channels, dict[str, str])
    assert_type(found.stores, dict[str, str])
    assert_type(found.channel("post"), plugins.Channel)
    assert_type(found.rows(), list[dict[str, str]])
    for failure in found.tell("netpromoter_response_received", response=None):
        assert_type(failure, plugins.Failure)
    return {
        "email": smtp,
        "outbox": nps.OutboxChannel(folder, sender="care@example.com"),
        "hook": hook,
        "sms": nps.AppriseChannel("twilio://{to}"),
        "screen": nps.ConsoleChannel(),
        "post": Postcard(),
        "own": partial(Postcard),
    }


def what_employees_say(wanted: model.Table) -> model.Release:
    roster = {"c-1": {"team": "sales"}, "c-2": {"team": "support"}}
    poll = model.Poll(
        survey="enps",
        occasion="autumn",
        roster=roster,
        tables=((), ("team",)),
        comments_by="team",
        minimum=5,
        comments_minimum=10,
    )
    assert_type(poll.attributes, model.Table)
    box: plugins.BallotBox = stores.SqlBallotBox("sqlite:///ballots.db", random_bytes=token_bytes)
    box.open_poll(poll)
    assert_type(box.status(poll.id), model.PollStatus | None)
    token = box.cast(poll.id, "c-1", model.Ballot(rating=9, comment="Everybody helps."))
    box.cast(poll.id, "c-1", model.Ballot(rating=10), token=token)
    assert_type(box.listed(poll.id), frozenset[str])
    assert_type(box.participated(poll.id), frozenset[str])
    for each in box.turnout(poll.id):
        assert_type(each, model.Turnout)
        assert_type(each.share, float)

    def protect(tally: model.Tally) -> list[model.ReleasedGroup]:
        assert_type(tally.n, tuple[int, ...])
        return [
            model.ReleasedGroup(table=(), labels=labels, invited=found.n + found.missing, histogram=found)
            for labels, found in tally.by(()).items()
        ]

    own: model.Protect = protect
    release = box.close_poll(poll.id, own)
    assert_type(release.group(("team",), wanted).histogram, ratings.Histogram | None)
    for comment in release.comments:
        assert_type(comment, model.ReleasedComment)
    assert_type(box.forget("c-1"), int)
    box.close()
    return box.release(poll.id)


def where_it_is_kept(message: model.Message, at: datetime) -> plugins.Store:
    store = nps.open_store("sqlite:///nps.db", key=b"secret")
    assert_type(store, plugins.Store)
    kept: list[plugins.Store] = [stores.MemoryStore(), stores.SqlStore("sqlite://", key=b"secret"), store]
    new = store.append([model.Scheduled(message=message, at=at)], expecting={message.contact: 0})
    assert_type(new, Sequence[model.Event])
    for entry in store.entries(contacts=["c-1"], kinds=[model.Scheduled], after=0):
        assert_type(entry, model.Entry)
        assert_type(entry.position, int)
    for claim in store.claims():
        assert_type(claim, model.Claim)
        assert_type(claim.intent, model.Sending)
    assert_type(store.touches(), nps.Touches)
    assert_type(store.waiting(at, limit=10), Mapping[int, model.Message])
    assert_type(store.forget("c-1"), model.Forgotten)
    assert_type(store.forgotten(["c-1"]), set[str])
    assert_type(store.cursor("told/office"), int)
    store.move_cursor("told/office", 1)
    with store.exclusive():
        store.append([])
    return kept[0]


def a_program(people: nps.Contacts, store: plugins.Store, folder: Path) -> None:
    now = datetime.now(UTC)
    clock: engine.Clock = lambda: datetime.now(UTC)  # noqa: E731 -- as a user would
    contacts: engine.AnyContacts = people
    program = nps.Program(
        survey=nps.Survey("relationship", product="Acme"),
        store=store,
        channels=what_carries(folder),
        links=nps.Links("https://nps.example.com", keys=["new secret, long enough", b"old secret, long enough"]),
        cadence=nps.Wave("2026-autumn"),
        audience=[nps.Sample(share=0.1)],
        rules=[nps.QuietPeriod(days=30), nps.SendWindow()],
        reminders=nps.Reminders(after=[timedelta(days=3)]),
        order=nps.Channels("email", "sms"),
        keep=["plan"],
        templates=nps.Templates({"invitation.txt": "{{ question }} {{ answer_url }}"}),
        wording=folder,
        plugins=nps.load_plugins(),
        lease=timedelta(minutes=5),
        attempts=3,
        backoff=timedelta(minutes=1),
        rates={"email": nps.Rate(14, per=timedelta(seconds=1))},
    )
    assert_type(program.policy, nps.Policy)
    plan = program.plan(contacts, at=now, horizon=timedelta(days=2))
    assert_type(plan, nps.Plan)
    assert_type(program.why("c-1", people, at=now), str)
    assert_type(program.adopt(plan, at=now), nps.Adoption)
    done = program.dispatch(clock=clock, workers=2, limit=10, progress=print, stop=threading.Event(), worker="w-1")
    assert_type(done, nps.Dispatch)
    assert_type(done.sent + done.failed + done.retried + done.withheld + done.postponed + done.uncertain, int)
    assert_type(done.interrupted, bool)
    assert_type(done.down, Mapping[str, str])
    done = program.execute(plan, clock=clock, workers=2, progress=print, stop=threading.Event())
    assert_type(done, nps.Dispatch)
    for message in program.uncertain(at=now):
        program.settle(message, delivered=False, at=now)
    assert_type(program.message("a token", "view", at=now), model.Message)
    assert_type(program.forget("c-1", at=now), model.Forgotten)
    answer = program.receive_answer("nps/autumn/c-1/0/0", 9, at=now, comment="ok", drivers={"speed": 3})
    assert_type(answer, model.Response)
    program.receive_opt_out(message="nps/autumn/c-1/0/0", at=now, reminders_only=True)
    program.receive_opt_out(contact="c-1", at=now)
    program.receive_opt_in(contact="c-1", at=now)
    program.receive_decline("nps/autumn/c-1/0/0", at=now)
    program.receive_bounce("relationship/2026-autumn/c-1/0/0", at=now, reason="no such mailbox")
    assert_type(program.responses(since=now, at=now), list[model.Response])
    assert_type(program.score(since=now), nps.Score | nps.DesignScore)
    assert_type(program.score_by("plan"), dict[Any, nps.Score | nps.DesignScore])
    assert_type(program.tell(at=now), engine.Told)
    assert_type(program.receive_codes({answer.id: ["speed"]}, coder="ann", at=now), int)
    assert_type(program.codes(), dict[str, list[str]])


def listening_to_employees(program: nps.Program, people: nps.Contacts, now: datetime) -> None:
    box: plugins.BallotBox | None = program.ballots
    polling = program.poll
    assert_type(polling, engine.Polling)
    status: model.PollStatus | None = polling.status(at=now)
    tables = ["team", ("team", "site")]
    merge: dict[str, str | None] = {"team": "division", "site": None}
    polling.launch(people, at=now, tables=tables, comments_by="team", minimum=5, comments_minimum=10, merge=merge)
    token = polling.cast("culture/2026-autumn/c-1/0/0", 9, "Good people")
    assert_type(polling.cast("culture/2026-autumn/c-1/0/0", 8, token=token), str)
    turnout = polling.turnout(at=now)
    assert_type(turnout, engine.PollTurnout)
    assert_type(turnout.groups, tuple[engine.GroupTurnout, ...])
    assert_type([each.response_rate for each in turnout.groups], list[float | None])
    assert_type(turnout.rows(), list[dict[str, Any]])
    turnout.to_frame("polars")
    scores = polling.close(at=now)
    assert_type(scores, engine.PollScores)
    assert_type(polling.release(at=now).overall, nps.Score | None)
    assert_type(scores.group(("team",), ("Sales",)), engine.GroupScore)
    assert_type(scores.shown + scores.withheld, tuple[engine.GroupScore, ...])
    assert_type(scores.groups[0].n, int | None)
    assert_type(scores.comments, tuple[model.ReleasedComment, ...])
    assert_type(scores.rows(confidence_level=0.9, method="scas"), list[dict[str, Any]])
    scores.to_frame("pandas", method="wald")
    print(box, status, program.smallest_group)


def following_up(program: nps.Program, now: datetime) -> None:
    assert_type(program.decide(at=now), tuple[rules.Decisions, ...])
    assert_type(program.policies, tuple[nps.FollowUp, ...])
    assert_type(program.recovery_program.plan([], at=now), nps.Plan)
    assert_type(nps.Recovery(after=timedelta(days=21), until=timedelta(days=30)).trigger("nps"), nps.Trigger)
    cases = program.cases
    assert_type(cases, engine.Cases)
    case = cases.get("nps/autumn/c-1/recover")
    assert_type(case, nps.Case)
    status: model.CaseStatus = case.status
    resolution: model.Resolution | None = case.resolution
    assert_type(cases.assign(case, "ann", by="bea", at=now, note="on leave"), nps.Case)
    cases.attempt(case, by="ann", at=now)
    cases.contact(case, by="ann", at=now, root_cause="billing")
    cases.resolve(case.id, "recovered", by="ann", at=now)
    cases.close(case, by="ann", at=now)
    cases.escalate(case, by="ann", at=now, owner="boss")
    cases.give_up(case, by="ann", at=now)
    cases.decline(case, by="ann", at=now)
    cases.reopen(case, by="ann", at=now)
    cases.note(case, "sent flowers", by="ann", at=now)
    assert_type(cases.as_of(now), list[nps.Case])
    assert_type(cases.pending(now), list[model.CaseAlerted])
    assert_type(case.kept("attempt"), datetime | None)
    assert_type(case.move("closed", by="ann", at=now, resolution="no action"), model.CaseMoved)
    assert_type([case.as_of(now) for case in cases], list[nps.Case])
    print(status, resolution, case.first("contacted"), case.last("assigned"), model.MOVES[status])
    news: list[engine.CaseNews] = ["overdue", "escalated"]
    alerts = nps.CaseAlerts(channel=nps.ConsoleChannel(), to={"ann": "ann@example.com", "": "desk"}, news=news)
    nps.load_plugins(alerts)


def reading(program: nps.Program, since: datetime, at: datetime) -> None:
    letter = report.digest(program, since=since, at=at, comments=5)
    assert_type(letter, report.Digest)
    assert_type(letter.change, tuple[float, float, float] | None)
    assert_type(letter.message(to="team@example.com", channel="chat"), model.Message)
    assert_type(report.page(program, since=since, at=at), str)
    print(letter.subject, letter.text, letter.html, letter.to_dict(), letter.rows(), letter.comments)
    sheet = formats.coding_sheet(program.responses(), program.codes())
    assert_type(sheet, str)
    assert_type(formats.comment_codes("sheet.csv", delimiter=";"), dict[str, tuple[str, ...]])


def words_and_links(message: model.Message, survey: nps.Survey, at: datetime) -> None:
    assert_type(wording.languages("languages"), tuple[str, ...])
    said = wording.words("pt-BR", folder="languages")
    assert_type(wording.closest("pt-BR"), tuple[str, ...])
    assert_type(said, wording.Words)
    assert_type(said.say("question", product="Acme"), str)
    phrase = said.phrases["question"]
    assert_type(phrase, wording.Phrase)
    status: wording.Status = phrase.status
    print(status, wording.SLOTS["question"])
    links = nps.Links("https://nps.example.com", keys=["a secret, long enough"], lifetime=timedelta(days=30))
    purpose: engine.LinkPurpose = "unsubscribe"
    reference = links.read(links.token(message.id, purpose, at=at), purpose, at=at)
    assert_type(reference, engine.Reference)
    assert_type(reference.until, datetime)
    assert_type(links.ratings(message.id, at=at), tuple[str, ...])
    print(links.answer(message.id, 9, at=at), links.unsubscribe(message.id, at=at), links.view(message.id, at=at))
    templates = nps.Templates("mail")
    assert_type(templates.find("invitation", survey="nps", arm="bold", locale="fr"), str)
    mail = engine.render(message, survey, said, links, templates=templates, at=at)
    assert_type(mail.subject, str | None)


class TestPostcard(testing.ChannelContract):
    """The contract of a channel of one's own."""

    @pytest.fixture
    def channel(self) -> plugins.Channel:
        """Give the channel."""
        return Postcard()


class TestStore(testing.StoreContract):
    """The contract of a store of one's own."""

    @pytest.fixture
    def store(self) -> plugins.Store:
        """Give the store."""
        return stores.MemoryStore()


class TestBallotBox(testing.BallotBoxContract):
    """The contract of a ballot box of one's own."""

    @pytest.fixture
    def box(self) -> plugins.BallotBox:
        """Give the box."""
        return stores.MemoryBallotBox(random_bytes=token_bytes)


def drawn_messages() -> None:
    print(testing.rendered_messages(to="bob@example.com"))
    assert_type(testing.values(nps.Message), SearchStrategy[nps.Message])
    assert_type(testing.values(model.Sent), SearchStrategy[model.Sent])


def pictures(s: nps.Score, by: nps.Breakdown, year: nps.Simulation, ax: Axes) -> None:
    assert_type(report.plot_score(s, ax=ax, confidence_level=0.9, method="scas"), Axes)
    assert_type(report.plot_breakdown(by, sort="nps"), Axes)
    print(report.plot_simulation(year), report.plot_simulation({"a year": year}))


def what_the_loop_achieved(
    program: nps.Program, answers: list[model.Response], cases: list[model.Case], at: datetime
) -> None:
    found = program.loop(at=at, since=at - timedelta(days=7), accounts={"c-1": "a-1", "c-2": None})
    assert_type(found, insight.Loop)
    assert_type(insight.loop(answers, cases=cases, at=at, delivered={("june", "c-1"): at}), insight.Loop)
    assert_type(found.response_rate, insight.Measure | None)
    sent = [insight.Delivery(occasion="june", contact="c-1", step=1, at=at, bounced=None)]
    refused = {("june", "c-1"): at}
    everything = insight.loop(answers, at=at, deliveries=sent, declined=refused, opted_out=refused)
    assert_type(everything.primary_response, insight.Measure | None)
    assert_type(everything.reminder_lift[1], insight.Measure)
    assert_type(everything.decline_rate, insight.Measure | None)
    assert_type(everything.completion, insight.Measure)
    assert_type(everything.measures, tuple[insight.Measure | insight.RevenueMeasure, ...])
    covered = program.loop(at=at, accounts={"c-1": "a-1"}, revenue={"a-1": 12_000}, value="ARR").revenue
    assert_type(covered, tuple[insight.RevenueMeasure, ...])
    assert_type(covered[0].interval(confidence_level=0.9), tuple[float, float])
    assert_type(found.contacted_of_all.share, stats.Share)
    assert_type(found.contacted.interval(confidence_level=0.9, method="jeffreys"), tuple[float, float])
    assert_type(found.promises["attempt"], insight.WithinPromise)
    assert_type(found.promises["attempt"].value, float | None)
    assert_type(found.times["contact"], stats.Survival)
    trial = found.trials["recover"]
    assert_type(trial, insight.Trial)
    assert_type(trial.called, insight.TrialArm)
    assert_type(trial.called.change, nps.PairedDifference | None)
    assert_type(trial.rating_effect, insight.ChangeDifference | None)
    assert_type(trial.score_effect, nps.Difference | None)
    assert_type(trial.won_back_effect, nps.RateDifference | None)
    assert_type(trial.unanswerable, str | None)
    assert_type(found.movement, nps.PairedDifference | None)
    assert_type(found.caseloads[None], insight.Caseload)
    what: insight.CaseloadMeasure = "attempt within promise"
    assert_type(found.by_owner(what, minimum=5), insight.Ranking)
    assert_type(found.by_team({"ann": "east"}, confidence_level=0.9).rows(), list[dict[str, Any]])
    print(found.rows(confidence_level=0.9), found.to_frame("polars"))


def disclosure(tally: model.Tally) -> None:
    control = rules.Disclosure(minimum=5, comments=10)
    columns = {"team": ["a", "b"], "site": ["x", "y"]}
    protected = control.protect(columns, [(), "team", ("team", "site")], counts=[5, 7], of="comments")
    assert_type(protected, rules.Protected)
    assert_type(protected.given_up, tuple[rules.Group, ...])
    assert_type(rules.Group("team", "a") in protected, bool)
    assert_type(protected.released, rules.Released)
    later = rules.Released.from_dict(protected.released.to_dict())
    found = control.audit(columns, protected.shown, ["team"], released=later)
    assert_type(found, tuple[rules.Recoverable, ...])
    assert_type(rules.merged(columns["team"], within=columns["site"], name="others"), rules.Merged)
    assert_type(rules.released_groups(tally, merge={"team": "site"}), tuple[model.ReleasedGroup, ...])


def refusals() -> None:
    try:
        nps.score([11])
    except (errors.InvalidRating, errors.MissingRatings, errors.NoRatings, errors.InvalidArgument) as error:
        root: errors.NetPromoterError = error
        value: ValueError = error
        print(root, value)
    except errors.UnreadableFile as error:
        unreadable: ValueError = error
        print(unreadable)
    except errors.NoTruthValue as error:
        mistyped: TypeError = error
        print(mistyped)
    except errors.NoHistogram as error:
        print(error)
    except errors.MissingDependency as error:
        missing: ImportError = error
        print(missing)
    except errors.InvalidToken as error:
        assert_type(error.reason, str)
    except (errors.ChannelDown, errors.Uncertain) as error:
        lost: ConnectionError = error
        print(lost)
    except (errors.Conflict, errors.StoreClosed, errors.PluginError) as error:
        at_run_time: RuntimeError = error
        print(at_run_time)
    assert_type(nps.__version__, str)
    warning: type[UserWarning] = errors.ScaleWarning
    print(warning)
