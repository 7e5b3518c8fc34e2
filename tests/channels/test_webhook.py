"""Webhooks: what is posted, how it is signed, and what each answer means."""

import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from netpromoter.channels import WebhookChannel
from netpromoter.channels._webhook import signature
from netpromoter.errors import ChannelDown, InvalidArgument, Uncertain
from netpromoter.testing import ChannelContract

# https://github.com/standard-webhooks/standard-webhooks, the vector of its libraries
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 -- published
VECTOR = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def clock():
    return NOON


class Service(ThreadingHTTPServer):
    """Answers as it is told, and keeps what it was told."""

    daemon_threads = True

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.headers, self.fault, self.got, self.by_key = 200, {}, None, [], {}
        self.scheme = "http" if context is None else "https"
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server_port}/hook?a=1"

    def handle_error(self, *_):
        pass


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        if self.server.fault:
            self.server.fault(self)
            return
        if self.server.status < 300:
            self.server.by_key.setdefault(self.headers["Idempotency-Key"], json.loads(body)["data"])
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass


def running(service):
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield service
    service.shutdown()
    thread.join()
    service.server_close()


@pytest.fixture
def service():
    yield from running(Service())


@pytest.fixture
def secure_service(server_context):
    yield from running(Service(server_context))


class TestWebhookChannel(ChannelContract):
    """A webhook keeps the contract, behind a service that heeds the key."""

    @pytest.fixture
    def channel(self, service):
        return WebhookChannel(service.url)

    @pytest.fixture
    def delivered(self, service):
        return lambda: [f"{data['subject']} {data['text']} {data['html']}" for data in service.by_key.values()]

    @pytest.fixture
    def recipients(self, service):
        return lambda: [data["to"] for data in service.by_key.values()]

    @pytest.fixture
    def headers(self, service):
        return lambda: [data["headers"] for data in service.by_key.values()]

    @pytest.fixture
    def refusing_channel(self, refusing_service):
        return WebhookChannel(refusing_service.url)

    @pytest.fixture
    def refusing_service(self):
        service = Service()
        service.status = 422
        yield from running(service)

    @pytest.fixture
    def down_channel(self):
        return WebhookChannel(f"http://127.0.0.1:{free_port()}/")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def test_the_signature_is_that_of_the_standard():
    """The published vector comes out."""
    assert signature(SECRET, *VECTOR) == SIGNED


def test_a_post_is_whole_and_signed(service, letter_to):
    """Every word and the id are in the body, the key and the signature in the head, and nothing else of the person."""
    message = letter_to(html="<p>é</p>", headers={"X-One": "1"}, snapshot={"plan": "paid"}, stratum="all")
    channel = WebhookChannel(service.url, secret=SECRET, clock=clock, headers={"Authorization": "Bearer 1"})
    receipt = channel.send(message)
    ((path, head, body),) = service.got
    assert (path, head["Authorization"], head["Content-Type"]) == ("/hook?a=1", "Bearer 1", "application/json")
    assert head["Idempotency-Key"] == message.id
    assert head["webhook-id"] == receipt.reference
    assert head["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert head["webhook-signature"] == signature(SECRET, receipt.reference, int(NOON.timestamp()), body)
    held = json.loads(body)
    assert (held["type"], held["timestamp"]) == ("message.send", "2026-06-01T08:00:00+00:00")
    assert held["data"]["id"] == message.id
    assert {name: held["data"][name] for name in ("to", "subject", "text", "html", "headers")} == {
        "to": message.to,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "headers": {"X-One": "1"},
    }
    assert not {"snapshot", "stratum", "probability", "destination"} & set(held["data"])


OUTCOMES = {
    "accepted": [200, 201, 202, 204],
    "temporary": [408, 413, 425, 429, 501, 503, 505],
    "permanent": [410],
    "refused": [400, 409, 422],
    "down": [301, 302, 303, 307, 308, 401, 403, 404, 405, 415],
}


@pytest.mark.parametrize(("outcome", "status"), [(key, each) for key, found in OUTCOMES.items() for each in found])
def test_each_answer_means_one_thing(service, letter_to, outcome, status):
    """2xx is accepted, some wait, 410 is for ever, other 4xx are of this message, and the rest is our own mistake."""
    service.status = status
    service.headers = {"Retry-After": "120", "Location": "http://127.0.0.1:1/"}
    if outcome == "down":
        with pytest.raises(ChannelDown, match=f"^the service takes no message: {status} "):
            WebhookChannel(service.url).send(letter_to())
    else:
        receipt = WebhookChannel(service.url).send(letter_to())
        assert receipt.accepted == (outcome == "accepted")
        assert receipt.permanent == (outcome == "permanent")
        assert receipt.retry_after == (timedelta(seconds=120) if outcome == "temporary" else None)
        assert receipt.reason.startswith(str(status)) or receipt.accepted
    assert len(service.got) == 1


@pytest.mark.parametrize(
    ("said", "wait", "without_clock"),
    [
        ("0", timedelta(0), timedelta(0)),
        *((said, WEEK, WEEK) for said in ("604801", "999999999", "1000000000", "99999999999", "9" * 5000)),
        *((said, timedelta(seconds=60), timedelta(seconds=60)) for said in ("60", "0" * 5000 + "60")),
        ("Mon, 01 Jun 2026 12:05:00 GMT", timedelta(minutes=5), None),
        ("Mon, 01 Jun 2026 11:00:00 GMT", timedelta(0), None),
        ("Mon, 01 Jun 2026 12:05:00 -0000", timedelta(minutes=5), None),
        ("Mon, 01 Jun 2099 12:05:00 GMT", WEEK, None),
        *((said, None, None) for said in ("soon", "-3", "1e9", "Mon, 01 Jun 99999999999 12:05:00 GMT")),
    ],
)
def test_the_service_says_when_to_try_again(service, letter_to, said, wait, without_clock):
    """Retry-After is a number of seconds, or a date that only a clock can tell the distance of; a week at most."""
    service.status, service.headers = 503, {"Retry-After": said}
    aside = timezone(timedelta(hours=5))
    assert WebhookChannel(service.url).send(letter_to()).retry_after == without_clock
    assert WebhookChannel(service.url, clock=lambda: NOON.astimezone(aside)).send(letter_to()).retry_after == wait


@pytest.mark.parametrize("status", [102, 103, 500, 502, 504, 520, 599])
def test_an_answer_that_says_nothing_of_the_message_is_uncertain(service, letter_to, status):
    """Another follows, or the service may have acted and failed then; another attempt would have another key."""
    service.status = status
    with pytest.raises(Uncertain, match=f"^the service may have taken the message: {status}"):
        WebhookChannel(service.url).send(letter_to())
    assert len(service.got) == 1


def test_no_answer_is_uncertain(service, letter_to):
    """Once a request has left, silence, garbage and a cut line say nothing about what became of it."""

    def cut(handler):
        handler.connection.shutdown(socket.SHUT_RDWR)

    def garbage(handler):
        handler.wfile.write(b"what?\r\n\r\n")

    def hang(_):
        time.sleep(0.5)

    def drip(handler):
        for sign in b"HTTP/1.1 200 OK\r\n":
            handler.wfile.write(bytes([sign]))
            time.sleep(0.05)

    for fault in (cut, garbage, hang, drip):
        service.fault = fault
        with pytest.raises(Uncertain, match=r"^the service may have taken the message: "):
            WebhookChannel(service.url, timeout=timedelta(seconds=0.2)).send(letter_to())


def test_a_service_that_is_not_there_is_down(letter_to):
    """Nothing was sent to where nobody listens."""
    for url in (f"http://127.0.0.1:{free_port()}/", f"https://127.0.0.1:{free_port()}"):
        with pytest.raises(ChannelDown, match=r"^the service cannot be reached: "):
            WebhookChannel(url).send(letter_to())


def test_certificates_are_verified(secure_service, client_context, letter_to, monkeypatch):
    """A certificate that is not trusted brings the channel down, whatever is the default of the process; with the right
    authority it is accepted.
    """
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)
    with pytest.raises(ChannelDown, match="certificate verify failed"):
        WebhookChannel(secure_service.url).send(letter_to())
    assert secure_service.got == []
    assert WebhookChannel(secure_service.url, context=client_context).send(letter_to()).accepted


def test_a_message_without_words_is_refused(service, letter_to):
    """There is nothing to carry."""
    receipt = WebhookChannel(service.url).send(letter_to(text=None))
    assert (receipt.accepted, receipt.reason) == (False, "the message has neither text nor HTML")
    assert service.got == []


def test_a_clock_gives_aware_datetimes(service, letter_to):
    """A naive one is refused before anything is sent."""
    channel = WebhookChannel(service.url, secret=SECRET, clock=lambda: NOON.replace(tzinfo=None))
    with pytest.raises(InvalidArgument, match=r"^clock\(\) must be a datetime with a time zone"):
        channel.send(letter_to())
    assert service.got == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_this_machine_may_be_spoken_to_in_the_clear(host):
    """What does not leave the machine needs no TLS."""
    assert WebhookChannel(f"http://{host}:8080/hook").idempotent


@pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "localhost.example.com", "128.0.0.1"])
def test_others_may_not(host):
    """Addresses and links do not cross a network in the clear, unless that is asked for."""
    with pytest.raises(InvalidArgument, match=r"^url must begin with https:// unless insecure=True"):
        WebhookChannel(f"http://{host}/hook")
    assert WebhookChannel(f"http://{host}/hook", insecure=True).insecure


WRONG = [
    *(("url", url, {}) for url in ["", "example.com", "ftp://example.com", "https://", "https://a:x/", "https://a:0/"]),
    *(
        ("url", url, {})
        for url in ["https://me:token@example.com/", "https://a.b/#c", "https://a b/", "https://a/\r\n", 7]
    ),
    *(("url", url, {}) for url in [f"https://{'a' * 64}.example/", "https://a..b/", "https://-a/", "https://[cafe]/"]),
    *(("secret", "https://a.b", {"secret": held, "clock": clock}) for held in ["x", "whsec_", "whsec_QUJD", "whsec_A"]),
    ("clock", "https://a.b", {"secret": SECRET}),
    ("clock", "https://a.b", {"clock": NOON}),
    *(("headers", "https://a.b", {"headers": held}) for held in [[], {"X": "a\r\nb"}, {"X": 1}, {"X": " a"}]),
    *(
        ("each key of headers", "https://a.b", {"headers": {held: "x"}})
        for held in ["", "a b", "Host", "webhook-ID", 1]
    ),
    *(("timeout", "https://a.b", {"timeout": held}) for held in [0, timedelta(0)]),
    ("context", "https://a.b", {"context": 1}),
    ("insecure", "https://a.b", {"insecure": 1}),
]


@pytest.mark.parametrize(("name", "url", "options"), WRONG)
def test_wrong_arguments_are_refused(name, url, options):
    """Each is named; secrets are not shown."""
    with pytest.raises(InvalidArgument, match=rf"^{name}(\['X'\])? must be ") as refused:
        WebhookChannel(url, **options)
    assert "token" not in str(refused.value)


def test_secrets_are_not_shown():
    """URL, headers and secret may hold tokens."""
    channel = WebhookChannel("https://a.b/T0KEN", secret=SECRET, clock=clock, headers={"X": "T0KEN"})
    assert "T0KEN" not in repr(channel)
    assert "whsec" not in repr(channel)
