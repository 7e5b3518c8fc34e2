"""Apprise: the address in its place, the text whole, and nothing of it in a log."""

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from netpromoter.channels import AppriseChannel
from netpromoter.errors import InvalidArgument, MissingDependency, Uncertain
from netpromoter.testing import ChannelContract

# it looks for a module that Python has let go
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Handler(BaseHTTPRequestHandler):
    """Takes what Apprise posts."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status < 300:
            self.server.got.append((unquote(self.path), body["title"], body["message"]))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        pass


def running(status=200):
    service = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.status, service.got = status, []
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield service
    service.shutdown()
    thread.join()
    service.server_close()


@pytest.fixture
def service():
    yield from running()


@pytest.fixture
def refusing_service():
    yield from running(500)


def through(service):
    return AppriseChannel(f"json://127.0.0.1:{service.server_port}/{{to}}")


class TestAppriseChannel(ChannelContract):
    """Apprise keeps the contract."""

    examples = 3

    @pytest.fixture
    def channel(self, service):
        return through(service)

    @pytest.fixture
    def delivered(self, service):
        return lambda: [f"{title} {text}" for _, title, text in service.got]

    @pytest.fixture
    def recipients(self, service):
        return lambda: [path.strip("/") for path, _, _ in service.got]


@pytest.mark.parametrize("to", ["ann@example.com", "+1 555 0100", "a/b?c=d&e#f"])
def test_the_address_is_put_in_its_place(service, letter_to, to):
    """Whatever characters an address has, it stays one part of the URL."""
    assert through(service).send(letter_to(to, html="<p>x</p>")).accepted
    ((path, title, text),) = service.got
    assert path.strip("/") == to
    assert (title, text) == ("How likely?", "Tell us.")


@pytest.mark.parametrize("text", ["Tell us.", "Hello"])
def test_a_failure_is_uncertain(refusing_service, letter_to, text):
    """Apprise does not say whether the service took the message and its answer was lost."""
    with pytest.raises(Uncertain, match=r"^Apprise failed, and does not say whether the service has the message$"):
        through(refusing_service).send(letter_to(text=text))


@pytest.mark.parametrize("to", ["+15550100001,+15550100002", "+15550100001 +15550100002"])
def test_an_address_is_that_of_one_recipient(letter_to, to):
    """A service that reads several in it would send the links of one person to others."""
    channel = AppriseChannel("twilio://AC" + "a" * 32 + ":" + "b" * 32 + "@15550100000/{to}")
    receipt = channel.send(letter_to(to))
    assert (receipt.accepted, receipt.permanent) == (False, False)
    assert receipt.reason == "the address must be that of one recipient"


def test_what_cannot_be_sent_is_refused(service, letter_to):
    """HTML alone, text that the service would cut, and an unknown service are no one's for ever."""
    unknown = AppriseChannel("nonesuch://{to}")
    for channel, message, reason in (
        (through(service), letter_to(text="\ud83d"), "address, subject and text must hold no lone surrogate"),
        (through(service), letter_to(text=None, html="<p>x</p>"), "the message has no text"),
        (
            through(service),
            letter_to(text="x" * 40_000),
            "the text must be of at most 32768 characters for this service",
        ),
        (
            through(service),
            letter_to(subject="x" * 300),
            "the subject must be of at most 250 characters for this service",
        ),
        (unknown, letter_to(), "Apprise does not know the service, or the service not the address"),
    ):
        receipt = channel.send(message)
        assert (receipt.accepted, receipt.permanent, receipt.reason) == (False, False, reason)
    assert service.got == []


def test_a_subject_without_a_place_counts_as_text(letter_to):
    """Where a service has no titles, the subject takes room from the text."""
    channel = AppriseChannel("twilio://AC" + "a" * 32 + ":" + "b" * 32 + "@15550100000/{to}")
    receipt = channel.send(letter_to("+15550100001", subject="x" * 20, text="y" * 150))
    assert receipt.reason == "the text must be of at most 160 characters for this service"


def test_other_threads_may_log(caplog):
    """Apprise is kept quiet while a message is sent, and only where it is sent."""
    from netpromoter.channels._apprise import _quiet

    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("apprise")
    with _quiet():
        logger.warning("here")
        other = threading.Thread(target=logger.warning, args=["there"])
        other.start()
        other.join()
    logger.warning("afterwards")
    assert [record.getMessage() for record in caplog.records] == ["there", "afterwards"]


@pytest.mark.parametrize("url", ["", "json://localhost/T0KEN", "{to}", "json://localhost/{to}\n", None])
def test_a_url_has_a_place_for_the_address(url):
    """Otherwise every message would go to one place; the URL is not shown, since it may hold a token."""
    with pytest.raises(InvalidArgument, match=r"^url must be like .* \(it is not shown\)$") as refused:
        AppriseChannel(url)
    assert "T0KEN" not in str(refused.value)
    assert "T0KEN" not in repr(AppriseChannel("json://T0KEN/{to}"))


def test_without_apprise_it_says_what_to_install(letter_to, monkeypatch):
    """The extra is named."""

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(MissingDependency, match=r"^AppriseChannel needs apprise: install netpromoter\[apprise\]$"):
        AppriseChannel("json://localhost/{to}").send(letter_to())
