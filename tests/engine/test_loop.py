"""What the loop of a program achieved, read from its log."""

from datetime import UTC, datetime, timedelta

import pytest

from netpromoter.engine import Links, Program
from netpromoter.errors import InvalidArgument
from netpromoter.model import Contact, Declined, OptedOut, Receipt, Sent, Survey
from netpromoter.plugins import load_plugins
from netpromoter.rules import Capacity, FollowUp, Recovery, Reminders, Wave, field
from netpromoter.stats import share
from netpromoter.stores import MemoryStore, SqlStore

MONDAY = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
RATINGS = [0, 3, 6, 2, 5, 1, 4, 3, 2, 6, 9, 10, 8, 7]


class Post:
    """A channel that refuses one address for good."""

    def send(self, message):
        if message.to == "nowhere":
            return Receipt.failed(message, "no such street", permanent=True)
        return Receipt.sent(message)


def people():
    places = [f"{number} High Street" for number in range(16)] + ["nowhere"]
    return [Contact(id=f"c-{number}", addresses={"post": place}) for number, place in enumerate(places)]


def program(**options):
    return Program(
        **{
            "survey": Survey("nps", product="Acme"),
            "store": MemoryStore(),
            "channels": {"post": Post()},
            "links": Links("https://nps.example.com", keys=["a secret that nobody can guess"]),
            "cadence": Wave("summer"),
            "rules": [],
            "reminders": None,
            "plugins": load_plugins(entry_points=False),
            "follow_up": FollowUp(field("rating") <= 6, owner="ann", holdout=0.3, capacity=Capacity(per_day=5)),
            "recovery": Recovery(),
        }
        | options
    )


def lived(found):
    """Let a program live: a wave, a bounce, answers, calls and a recovery that most answer."""
    found.execute(found.plan(people(), at=MONDAY), clock=lambda: MONDAY)
    found.receive_bounce("nps/summer/c-15/0/0", at=MONDAY + HOUR)
    for number, rating in enumerate(RATINGS):
        found.receive_answer(f"nps/summer/c-{number}/0/0", rating, at=MONDAY + HOUR)
    (made,) = found.decide(at=MONDAY + 2 * HOUR)
    for number, case in enumerate(list(found.cases)):
        called = found.cases.contact(case, by="ann", at=MONDAY + (10 + 20 * number) * HOUR)
        found.cases.resolve(called, "recovered", by="ann", at=MONDAY + 150 * HOUR)
    again = found.recovery_program
    later = MONDAY + 24 * DAY
    again.execute(again.plan(people(), at=later), clock=lambda: later)
    wanted = [each for each in made if each.decision != "not selected"]
    for each in wanted[1:]:
        contact, better = each.response.contact, 4 if each.decision == "selected" else 1
        again.receive_answer(f"nps-recovery/summer/{contact}/0/0", each.response.rating + better, at=later + HOUR)
    return wanted


def test_the_log_tells_what_the_loop_achieved():
    """Deliveries but for what came back, cases, promises, and the recovery of all whom the policy wanted."""
    found = program()
    wanted = lived(found)
    loop = found.loop(at=MONDAY + 30 * DAY)
    assert loop.response_rate.share == share(14, 15)
    decisions = [each.decision for each in wanted]
    assert loop.selected.share == share(decisions.count("selected"), 14)
    assert loop.contacted.share == share(5, 5)
    assert loop.closed_of_all.share == share(0, 14)
    assert loop.promises["attempt"].share == share(2, 5)
    assert loop.times["contact"].quantile(0.9) == 89 * HOUR
    trial = loop.trials["follow-up"]
    assert trial.called.assigned == decisions.count("selected") + decisions.count("over capacity")
    assert trial.held_out.assigned == decisions.count("held out") > 0
    assert trial.called.asked + trial.held_out.asked == 10
    assert trial.called.answered + trial.held_out.answered == 9
    assert trial.held_out.mean_change == 1.0
    assert trial.unanswerable is None
    assert found.score(at=MONDAY + 30 * DAY).n == 14


def test_an_instant_is_told_alike_for_ever():
    """What was known at an instant is found again after everything that happened since."""
    found = program()
    found.execute(found.plan(people(), at=MONDAY), clock=lambda: MONDAY)
    found.receive_answer("nps/summer/c-0/0/0", 2, at=MONDAY + HOUR)
    found.decide(at=MONDAY + 2 * HOUR)
    moments = [MONDAY - HOUR, MONDAY, MONDAY + HOUR, MONDAY + 2 * HOUR, MONDAY + 3 * HOUR]
    before = [found.loop(at=at) for at in moments]
    for case in list(found.cases):
        found.cases.contact(case, by="ann", at=MONDAY + 4 * HOUR)
    found.receive_answer("nps/summer/c-0/0/0", 9, at=MONDAY + 4 * HOUR)
    found.receive_bounce("nps/summer/c-3/0/0", at=MONDAY + 5 * HOUR)
    assert [found.loop(at=at) for at in moments] == before
    assert before[0].response_rate.share == share(0, 0)
    assert found.loop(at=MONDAY + 5 * HOUR).response_rate.n == before[-1].response_rate.n - 1


def test_every_store_tells_the_same(tmp_path):
    """The log of SQLite tells what that in memory does."""
    at = MONDAY + 30 * DAY
    kept, written = program(), program(store=SqlStore(f"sqlite:///{tmp_path}/nps.db"))
    lived(kept)
    lived(written)
    assert written.loop(at=at) == kept.loop(at=at)
    written.store.close()


def test_who_is_forgotten_is_still_counted():
    """After a person is forgotten the counts of any instant before are what they were."""
    at = MONDAY + 30 * DAY
    found = program()
    wanted = lived(found)
    before = found.loop(at=at)
    found.forget(next(each for each in wanted if each.decision == "selected").response.contact, at=at + DAY)
    assert found.loop(at=at).rows() == before.rows()


def test_surveys_of_one_store_do_not_mix():
    """What is asked, answered and done for another survey of the same log is not in the loop of this one."""
    found = program()
    lived(found)
    before = found.loop(at=MONDAY + 30 * DAY)
    other = program(store=found.store, survey=Survey("ces", product="Acme"), recovery=None)
    other.execute(other.plan(people(), at=MONDAY + 25 * DAY), clock=lambda: MONDAY + 25 * DAY)
    other.receive_answer("ces/summer/c-0/0/0", 1, at=MONDAY + 25 * DAY)
    other.decide(at=MONDAY + 25 * DAY)
    assert found.loop(at=MONDAY + 30 * DAY) == before
    assert other.loop(at=MONDAY + 30 * DAY).answers == 1


def test_since_and_accounts_are_passed_on():
    """Answers of before are left out, and accounts are counted where they are given."""
    found = program()
    lived(found)
    late = found.loop(at=MONDAY + 30 * DAY, since=MONDAY + 2 * HOUR)
    assert (late.answers, late.response_rate.n) == (0, 0)
    accounts = {f"c-{number}": f"a-{number // 8}" for number in range(17)}
    by_account = found.loop(at=MONDAY + 30 * DAY, accounts=accounts).accounts
    assert [each.n for each in by_account] == [3, 3, 2]
    with pytest.raises(InvalidArgument, match="at must be a datetime with a time zone"):
        found.loop(at=3)


@pytest.mark.parametrize("delivered", [True, False])
def test_what_was_settled_as_sent_was_delivered(delivered):
    """A message of which nobody knew counts as delivered once somebody found out that it was, and not before."""

    class Gone:
        def send(self, message):
            raise OSError(f"no network for {message.id}")

    found = program(channels={"post": Gone()}, lease=HOUR)
    found.execute(found.plan(people()[:1], at=MONDAY), clock=lambda: MONDAY)
    later = MONDAY + DAY
    assert found.loop(at=later).response_rate.n == 0
    found.settle("nps/summer/c-0/0/0", delivered=delivered, at=later)
    assert [found.loop(at=at).response_rate.n for at in (MONDAY + HOUR, later)] == [0, int(delivered)]


# -- after the invitation ----------------------------------------------------------------------------------------------


def reminded(**options):
    """Let a program live that reminds twice, of whose messages some come back, and with declines and opt-outs."""
    found = program(follow_up=(), recovery=None, reminders=Reminders(after=[3 * DAY, 7 * DAY]), **options)
    for day in (0, 3, 7):
        at = MONDAY + day * DAY
        found.execute(found.plan(people()[:10] + people()[-1:], at=at), clock=lambda at=at: at)
        for number in (2 * day, 2 * day + 1):
            if number < 10:
                found.receive_answer(f"nps/summer/c-{number}/0/0", 7, at=at + HOUR, comment="slow" if day else None)
        if day == 3:
            found.receive_bounce("nps/summer/c-2/1/0", at=at + HOUR)
            found.receive_opt_out(message="nps/summer/c-3/1/0", at=at + 2 * HOUR)
    found.store.append([Declined(survey="nps", occasion="summer", contact="c-4", at=MONDAY + 8 * DAY)])
    return found


def test_reminders_are_read_from_the_log():
    """Invitations and reminders that arrived, and the answers after each, whichever link was used."""
    loop = reminded().loop(at=MONDAY + 30 * DAY)
    assert loop.primary_response.share == share(2, 10)
    assert {step: each.share for step, each in loop.reminder_lift.items()} == {1: share(2, 7), 2: share(0, 4)}
    assert loop.reminder_response.share == share(2, 7)
    assert loop.answer_rate.share == share(4, 10)
    assert loop.completion.share == share(2, 4)


def test_messages_that_were_refused_for_good_are_sent_and_came_back():
    """What an address refuses is a bounce as one that comes back later is; what a program withholds was not sent."""
    found = reminded()
    loop = found.loop(at=MONDAY + 30 * DAY)
    assert loop.bounce_rate.share == share(2, 10 + 1 + 8 + 4)
    assert found.loop(at=MONDAY).bounce_rate.share == share(1, 11)


def test_what_is_not_known_to_have_been_scheduled_is_of_no_survey():
    """An outcome whose message is not in the log, as of one that another log holds, counts nowhere."""
    found = reminded()
    before = found.loop(at=MONDAY + 30 * DAY)
    found.store.append([Sent(message="nps/spring/c-1/0/0", at=MONDAY)])
    assert found.loop(at=MONDAY + 30 * DAY) == before


def test_declines_and_opt_outs_are_read_from_the_log():
    """Each is of the occasions on which a message was delivered, and of its instant on."""
    found = reminded()
    loop = found.loop(at=MONDAY + 30 * DAY)
    assert (loop.decline_rate.share, loop.opt_out_rate.share) == (share(1, 10), share(1, 10))
    early = found.loop(at=MONDAY + 3 * DAY + HOUR)
    assert (early.decline_rate.share, early.opt_out_rate.share) == (share(0, 10), share(0, 10))


def test_an_opt_out_belongs_to_the_last_message():
    """It counts for the survey whose message came last before it, of whatever occasion, and for no other."""
    found = program(follow_up=(), recovery=None)
    other = program(store=found.store, survey=Survey("ces", product="Acme"), follow_up=(), recovery=None)
    for day, each in ((0, found), (1, other)):
        each.execute(each.plan(people()[:4], at=MONDAY + day * DAY), clock=lambda day=day: MONDAY + day * DAY)
    found.receive_bounce("ces/summer/c-3/0/0", at=MONDAY + DAY + HOUR)
    for number, hours in ((0, 2), (1, 26), (3, 26)):
        found.store.append([OptedOut(contact=f"c-{number}", at=MONDAY + hours * HOUR)])
    found.store.append([OptedOut(contact="c-2", at=MONDAY - HOUR), OptedOut(contact="stranger", at=MONDAY + DAY)])
    found.store.append([OptedOut(contact="c-0", at=MONDAY + 3 * HOUR, reminders_only=True)])
    at = MONDAY + 9 * DAY
    assert (found.loop(at=at).opt_out_rate.share, other.loop(at=at).opt_out_rate.share) == (share(2, 4), share(1, 3))


def test_revenue_is_passed_on():
    """What accounts bring is counted under the name that it was given, and a census is called one."""
    found = program()
    lived(found)
    accounts = {f"c-{number}": f"a-{number // 8}" for number in range(16)}
    given = {"accounts": accounts, "revenue": {"a-0": 90_000, "a-1": 10_000}, "value": "ARR"}
    asked, answered, contacted = found.loop(at=MONDAY + 30 * DAY, **given).revenue
    assert (asked.what, asked.census, answered.value) == ("ARR of accounts asked", True, 1.0)
    assert contacted.value in {0.9, 1.0}
    with pytest.raises(InvalidArgument, match="accounts must be given where revenue is"):
        found.loop(at=MONDAY, revenue={"a-0": 1})


def test_every_store_tells_the_same_of_messages(tmp_path):
    """The log of SQLite tells of reminders, bounces and refusals what that in memory does."""
    at = MONDAY + 30 * DAY
    written = reminded(store=SqlStore(f"sqlite:///{tmp_path}/nps.db"))
    assert written.loop(at=at) == reminded().loop(at=at)
    written.store.close()


def test_who_is_forgotten_is_left_out_of_the_accounts():
    """The log knows the ids of the forgotten no more: named in the accounts, they count as never asked."""
    at = MONDAY + 30 * DAY
    found = reminded()
    accounts = {f"c-{number}": f"account {number}" for number in range(10)}
    gone = {"c-3", "c-6"}
    left = {contact: account for contact, account in accounts.items() if contact not in gone}
    before = found.loop(at=at, accounts=left)
    for contact in gone:
        found.forget(contact, at=at)
    without, named = (found.loop(at=at, accounts=each) for each in (left, accounts))
    assert (without.contacts, without.accounts) == (before.contacts, before.accounts)
    assert named.contacts[0].share == share(without.contacts[0].count, len(accounts))


def test_who_is_forgotten_takes_their_words_along():
    """A comment and an opt-out go with the person who asked to be forgotten; every other count stays."""
    at = MONDAY + 30 * DAY
    found = reminded()
    before = found.loop(at=at)
    found.forget("c-6", at=at)
    found.forget("c-3", at=at)
    after = found.loop(at=at)
    assert (before.completion.share, after.completion.share) == (share(2, 4), share(1, 4))
    assert (before.opt_out_rate.share, after.opt_out_rate.share) == (share(1, 10), share(0, 10))
    same = {"with a comment", "opted out"}
    assert [row for row in after.rows() if row["measure"] not in same] == [
        row for row in before.rows() if row["measure"] not in same
    ]
