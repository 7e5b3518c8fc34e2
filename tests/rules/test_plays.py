"""Ready-made policies: whom they call of all ratings."""

from datetime import UTC, datetime, timedelta

from netpromoter.model import Response
from netpromoter.rules import (
    DETRACTORS,
    LEVER_SCORES,
    PROMOTERS,
    WITH_COMMENT,
    FollowUp,
    asked_for_contact,
    decide,
    every_detractor,
    field,
    high_value_low_score,
    promoter_referrals,
    sendgrid,
)

AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
KNOWN = ["tier", "plan", "contact_me", "revenue"]


def called(policy, *, comment=None, drivers=None, **snapshot):
    """Give the ratings of those who are called."""
    answers = [
        Response(
            survey="nps",
            occasion="1",
            contact=f"c-{rating}",
            rating=rating,
            at=AT,
            comment=comment,
            drivers=drivers or {},
            snapshot=snapshot,
        )
        for rating in range(11)
    ]
    return sorted(each.response.rating for each in decide(policy, answers, at=AT, known=KNOWN).selected)


def test_sendgrid_calls_large_accounts_and_some_paying_customers():
    """All large accounts, and paying customers who gave 8, 6, 2, 1 or 0, within 48 hours of the answer."""
    policy = sendgrid(owner="ann")
    assert called(policy, tier="large", plan="free") == list(range(11))
    assert called(policy, tier="large") == list(range(11))
    assert called(policy, tier="small", plan="paid") == [0, 1, 2, 6, 8]
    assert called(policy, tier="small", plan="free") == []
    assert called(policy, plan="free") == []
    (promised,) = policy.within
    assert (promised.promise, promised.within) == ("attempt", timedelta(hours=48))
    assert (policy.name, policy.fields) == ("sendgrid", {"tier", "plan", "rating"})
    other = sendgrid(large=field("seats") > 500, paying=field("fee") > 0, name="ours")
    assert (other.name, other.fields) == ("ours", {"seats", "fee", "rating"})


def test_conditions_name_who_is_meant():
    """Detractors, promoters, those who are a point short of the next group, with comment, and who asked for it."""
    assert called(every_detractor()) == called(FollowUp(DETRACTORS)) == [0, 1, 2, 3, 4, 5, 6]
    assert called(promoter_referrals()) == called(FollowUp(PROMOTERS)) == [9, 10]
    assert called(FollowUp(LEVER_SCORES)) == [6, 8]
    assert called(FollowUp(WITH_COMMENT & LEVER_SCORES), comment="Slow.") == [6, 8]
    assert called(FollowUp(WITH_COMMENT)) == []
    asked = FollowUp(asked_for_contact() | LEVER_SCORES)
    assert called(asked, drivers={"contact_me": "no"}) == [6, 8]
    assert len(called(asked, drivers={"contact_me": "yes"})) == 11
    assert len(called(FollowUp(asked_for_contact("call", 1)), drivers={"call": 1})) == 11
    assert every_detractor(name="all").name == "all"
    assert promoter_referrals(within=timedelta(days=3)).within[0].within == timedelta(days=3)


def test_high_value_and_low_score_come_first():
    """Of two who are worth the same the lower score, and of two equal scores the one who is worth more."""
    first = high_value_low_score("revenue")
    assert first.of({"rating": 0, "revenue": 100}) > first.of({"rating": 5, "revenue": 100})
    assert first.of({"rating": 5, "revenue": 100}) > first.of({"rating": 5, "revenue": 99})
    assert first.of({"rating": 10, "revenue": 10**9}) == first.of({"rating": 0}) == 0
