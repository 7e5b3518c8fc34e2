"""The demonstration: five weeks in a folder, each time the same, and everything in it agrees."""

import csv
import mailbox
import re
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner

from netpromoter.cli import cli
from netpromoter.model import CaseOpened, FollowUpDecided, Responded, Scheduled, Sent
from netpromoter.plugins import open_store


def run(folder, *options, customers=200):
    return CliRunner().invoke(cli, ["demo", str(folder), "--customers", str(customers), *options])


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Give a folder in which the demonstration ran, and what it said."""
    folder = tmp_path_factory.mktemp("demo") / "shown"
    done = run(folder)
    assert done.exit_code == 0, done.output
    return folder, done.output


@pytest.fixture
def log(shown):
    """Give the events of the ledger."""
    store = open_store(f"sqlite:///{shown[0] / 'nps.db'}")
    yield [entry.event for entry in store.entries()]
    store.close()


def of(log, *kinds):
    return [event for event in log if isinstance(event, kinds)]


def test_every_message_is_a_mail_and_nobody_got_four(shown, log):
    """The outbox holds a mail for each message that was sent, and no wave writes to anybody more than three times."""
    mails = mailbox.Maildir(shown[0] / "outbox", create=False)
    assert len(mails) == len(of(log, Sent)) == len(of(log, Scheduled))
    asked = [(event.message.survey, event.message.occasion, event.message.contact) for event in of(log, Scheduled)]
    assert max(map(asked.count, set(asked))) == 3


def test_every_answer_is_decided_on_and_wanted_ones_are_called(log):
    """Each answer to the wave has one decision; those selected have a case, and some were held out."""
    answers = [event.response.id for event in of(log, Responded) if event.response.purpose == "score"]
    decided = {event.response: event.decision for event in of(log, FollowUpDecided)}
    assert sorted(decided) == sorted(answers)
    selected = {response for response, decision in decided.items() if decision == "selected"}
    assert {event.response for event in of(log, CaseOpened)} == selected
    assert "held out" in decided.values()
    assert any(event.response.purpose == "recovery" for event in of(log, Responded))


def test_what_is_said_is_what_the_files_hold(shown):
    """The score of the terminal stands in the digest and on the page, and the sheet has every comment."""
    folder, said = shown
    score = re.search(r"^NPS .*\)$", said, re.MULTILINE).group()
    page = (folder / "report.html").read_text()
    assert score in (folder / "digest.txt").read_text()
    assert score in page
    rows = list(csv.DictReader((folder / "coding.csv").read_text().splitlines()))
    assert rows
    assert all(row["comment"] and row["codes"] for row in rows)
    assert max(map(len, said.replace(str(folder), "demo").splitlines())) <= 160
    assert str(folder / "report.html") in said


def test_what_is_late_day_by_day_is_what_is_missing_in_the_end(tmp_path):
    """The last of the running numbers and the share of attempts in time count the same cases."""
    said = run(tmp_path / "demo", customers=800).output
    late = [int(number) for number in re.findall(r"; (\d+) first attempts late so far$", said, re.MULTILINE)]
    kept, cases = re.search(r"^a first attempt within 48 hours: .*; (\d+) of (\d+)\)$", said, re.MULTILINE).groups()
    assert late == sorted(late)
    assert late[-1] == int(cases) - int(kept) > 0


class Links(HTMLParser):
    """Everything that a page would load or run."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag in {"script", "link", "img", "iframe"} or {"src", "href"} & dict(attrs).keys():
            self.found.append(tag)


def test_the_page_is_whole_by_itself(shown):
    """The report loads nothing and runs nothing, and says all of its sections."""
    page = (shown[0] / "report.html").read_text()
    assert Links(page).found == []
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles[:2] == ["Answers", "By plan"]
    assert titles[-3:] == ["Closing the loop", "Cases", "Comments"]


def test_the_same_seed_tells_the_same_story(tmp_path):
    """Twice the same seed is twice the same story, and another seed another."""
    seeds = {"a": "1", "b": "1", "c": "3"}
    told = {name: run(tmp_path / name, "--seed", seed, customers=50).output for name, seed in seeds.items()}
    first, second, third = (text.replace(str(tmp_path / name), "") for name, text in told.items())
    assert first == second != third


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    """It is told in one line, as wrong usage."""
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "file" / "demo")
    assert (done.exit_code, "Traceback" in done.output, str(tmp_path / "file") in done.stderr) == (2, False, True)


def test_a_folder_with_something_in_it_is_left_alone(shown):
    """What is there stays there: the folder must be new or empty."""
    done = run(shown[0])
    assert done.exit_code == 2
    assert "FOLDER must be new or empty" in done.output
