"""Mail by SMTP, to a server that others wrote, and to one that says what the test wants."""

import email
import email.policy
import logging
import re
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd import smtp
from aiosmtpd.controller import Controller

from netpromoter.channels import SmtpChannel
from netpromoter.channels._address import sender as read_sender
from netpromoter.channels._mail import letter
from netpromoter.engine import Links, Program
from netpromoter.errors import ChannelDown, InvalidArgument, Uncertain
from netpromoter.model import Bounced, Contact, Survey
from netpromoter.plugins import load_plugins
from netpromoter.rules import Wave
from netpromoter.stores import MemoryStore
from netpromoter.testing import ChannelContract
from scripted_smtp import ScriptedServer

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd", "ignore:Requiring AUTH:UserWarning")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SENDER = "Acme <care@example.com>"
SHORT, LONG = timedelta(seconds=0.5), timedelta(minutes=10)
LOGIN = {"username": "acmé", "password": "pässword"}


class Postbox:
    """Takes mails for everybody but one, and counts connections."""

    def __init__(self):
        self.mails, self.connections, self.envelopes = [], 0, []

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        if address.startswith("nobody"):
            return f"550 5.1.1 <{address}>: no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        self.mails.append(envelope.content)
        self.envelopes.append(envelope)
        return "250 2.0.0 Ok: queued as 4711"

    def read(self):
        return [email.message_from_bytes(data, policy=email.policy.default) for data in self.mails]


class Local(Controller):
    """A server on a free port of this machine."""

    def __init__(self, *arguments, implicit=None, **options):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        self.options = options
        super().__init__(*arguments, hostname="127.0.0.1", port=port, ssl_context=implicit)

    def factory(self):
        return smtp.SMTP(self.handler, enable_SMTPUTF8=True, **self.options)

    def _trigger_server(self):
        # its own way makes a client of the server's certificate
        socket.create_connection((self.hostname, self.port), timeout=5).close()


def welcome(_server, _session, _envelope, _mechanism, data):
    ok = (data.login.decode(), data.password.decode()) == tuple(LOGIN.values())
    return smtp.AuthResult(success=ok, handled=False)


@pytest.fixture
def postbox():
    return Postbox()


@pytest.fixture
def start(monkeypatch):
    """Start servers that end with the test; what they log is not what the channel logs."""
    monkeypatch.setattr(logging.getLogger("mail.log"), "disabled", True)
    running = []

    def begin(handler, **options):
        controller = Local(handler, **options)
        controller.start()
        running.append(controller)
        return controller.port

    yield begin
    for controller in running:
        controller.stop()


@pytest.fixture
def contexts(server_context, client_context):
    return server_context, client_context


def plain(port, **options):
    return SmtpChannel("127.0.0.1", port=port, security="none", sender=SENDER, **options)


class TestSmtpChannel(ChannelContract):
    """Mail by SMTP keeps the contract."""

    examples = 5

    @pytest.fixture
    def channel(self, start, postbox):
        return plain(start(postbox))

    @pytest.fixture
    def delivered(self, postbox):
        return lambda: [
            f"{mail['Subject']} {mail.get_body(['plain', 'html']).get_content()}" for mail in postbox.read()
        ]

    @pytest.fixture
    def recipients(self, postbox):
        return lambda: [", ".join(envelope.rcpt_tos) for envelope in postbox.envelopes]

    @pytest.fixture
    def headers(self, postbox):
        return lambda: [dict(mail) for mail in postbox.read()]

    @pytest.fixture
    def refusing_channel(self, start):
        class Refusing(Postbox):
            async def handle_RCPT(self, _server, _session, _envelope, address, _options):  # noqa: N802
                return f"550 5.1.1 <{address}>: no such mailbox"

        return plain(start(Refusing()))

    @pytest.fixture
    def down_channel(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        return plain(port)


@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/rfc822"])
def test_the_head_of_a_mail_that_comes_back_leads_to_its_message(start, postbox, returned):
    """The token in List-Unsubscribe stands in a report as it was sent, also behind a long URL, and is valid."""
    found = Program(
        survey=Survey("nps", product="Acme"),
        store=MemoryStore(),
        channels={"email": plain(start(postbox))},
        links=Links(f"https://nps.example.com/{'a' * 60}", keys=["a secret that nobody can guess"]),
        cadence=Wave("summer"),
        rules=[],
        plugins=load_plugins(entry_points=False),
    )
    people = [Contact(id=f"c-{number}", addresses={"email": f"{number}@example.com"}) for number in range(2)]
    assert found.execute(found.plan(people, at=NOON), clock=lambda: NOON).sent == 2
    sent = postbox.mails[1]
    head = sent if returned == "message/rfc822" else sent.partition(b"\r\n\r\n")[0]
    report = b"Content-Type: " + returned.encode() + b"\r\n\r\n" + head
    token = re.search(rb"^List-Unsubscribe:\s*<[^>]*/([\w-]{40})>", report, re.MULTILINE | re.IGNORECASE)[1].decode()
    message = found.message(token, "unsubscribe", at=NOON + timedelta(days=5))
    assert message.to == postbox.envelopes[1].rcpt_tos[0]
    found.receive_bounce(message.id, at=NOON + timedelta(days=5))
    assert [entry.event.contact for entry in found.store.entries(kinds=(Bounced,))] == [message.contact]


def test_a_batch_has_one_connection(start, postbox, letter_to):
    """As a context manager the channel connects once, also after a refusal, and can be opened again."""
    channel = plain(start(postbox))
    for batch in (1, 2):
        with channel as opened:
            receipts = [
                opened.send(letter_to(to)) for to in ("ann@example.com", "nobody@example.com", "bob@example.com")
            ]
        assert [(receipt.accepted, receipt.permanent) for receipt in receipts] == [
            (True, False),
            (False, True),
            (True, False),
        ]
        assert receipts[0].reference == "2.0.0 Ok: queued as 4711"
        assert receipts[1].reason == "550 5.1.1 <(address)>: no such mailbox"
        assert (postbox.connections, len(postbox.mails)) == (batch, 2 * batch)


def test_without_a_batch_each_mail_has_its_own(start, postbox, letter_to):
    """A channel that was not opened leaves no connection behind."""
    channel = plain(start(postbox))
    assert all(channel.send(letter_to()).accepted for _ in range(3))
    assert not channel.send(letter_to("nobody@example.com")).accepted
    assert postbox.connections == 4


def test_a_batch_without_messages_connects_nowhere():
    """Opening a channel is free until there is something to send."""
    with plain(1) as channel:
        assert channel.port == 1


def test_the_mail_arrives_as_it_was_written(start, postbox, letter_to):
    """Dots at the beginning of lines, too, and the envelope has the addresses alone."""
    message = letter_to(text=".\n..\n.a\n\n.\n", html="<p>é</p>\n.\n")
    assert plain(start(postbox)).send(message).accepted
    assert postbox.mails == [letter(message, read_sender(SENDER)).data]
    assert (postbox.envelopes[0].mail_from, postbox.envelopes[0].rcpt_tos) == ("care@example.com", ["ann@example.com"])


def test_international_addresses_go_where_they_are_understood(start, postbox, letter_to):
    """A server with SMTPUTF8 gets the address in UTF-8, in the envelope and in the head."""
    assert plain(start(postbox)).send(letter_to("änn@bücher.example")).accepted
    assert postbox.envelopes[0].rcpt_tos == ["änn@xn--bcher-kva.example"]
    assert "To: änn@xn--bcher-kva.example\r\n".encode() in postbox.mails[0]


def test_international_addresses_are_refused_elsewhere(letter_to):
    """Without SMTPUTF8 an address is refused for now, and an own address brings the channel down."""
    with ScriptedServer(features=["SIZE"]) as server:
        receipt = plain(server.port).send(letter_to("änn@example.com"))
        assert (receipt.accepted, receipt.permanent) == (False, False)
        assert receipt.reason == "the address needs a server with SMTPUTF8, which this one does not have"
        with pytest.raises(ChannelDown, match="it has no SMTPUTF8"):
            SmtpChannel("127.0.0.1", port=server.port, security="none", sender="cäre@example.com").send(letter_to())
        assert server.taken == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("excluded", [["LOGIN"], ["PLAIN"]])
def test_logging_in_under_tls(start, letter_to, contexts, security, excluded):
    """STARTTLS and TLS from the first byte work, with both ways of logging in and names that are not ASCII."""
    (server_context, client_context), postbox = contexts, Postbox()
    tls = (
        {"implicit": server_context} if security == "tls" else {"tls_context": server_context, "require_starttls": True}
    )
    options = {"authenticator": welcome, "auth_required": True, "auth_exclude_mechanism": excluded}
    port = start(postbox, **tls, **options, auth_require_tls=security == "starttls")
    given = {"port": port, "security": security, "sender": SENDER, "context": client_context}
    assert SmtpChannel("localhost", **given, **LOGIN).send(letter_to()).accepted
    with pytest.raises(ChannelDown, match=r"^localhost:\d+: 535 5\.7\.8 ") as refused:
        SmtpChannel("localhost", **given, username="acmé", password="wrong").send(letter_to())  # noqa: S106
    assert "wrong" not in str(refused.value)
    assert len(postbox.mails) == 1


def test_a_server_without_a_way_to_log_in_is_not_used(letter_to, server_context, client_context):
    """A password is never given in a way that was not understood."""
    with ScriptedServer(server_context, features=["AUTH CRAM-MD5"]) as server:
        channel = SmtpChannel("127.0.0.1", port=server.port, sender=SENDER, context=client_context, **LOGIN)
        with pytest.raises(ChannelDown, match="neither AUTH PLAIN nor AUTH LOGIN"):
            channel.send(letter_to())
        assert not any(line.startswith("AUTH") for line in server.heard)


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("wrong", ["an unknown authority", "another name"])
def test_wrong_certificates_are_refused(letter_to, authority, contexts, security, wrong):
    """A certificate that nobody trusted vouches for, or of another host, ends the connection before a word is said."""
    (context, client_context), trusted = contexts, None
    if wrong == "another name":
        context, trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), client_context
        authority.issue_cert("mail.example.com").configure_cert(context)
    with ScriptedServer(context, implicit=security == "tls") as server:
        options = {"port": server.port, "security": security, "sender": SENDER, "context": trusted, **LOGIN}
        with pytest.raises(ChannelDown, match="certificate verify failed"):
            SmtpChannel("127.0.0.1", **options).send(letter_to())
        assert not any(line.startswith(("AUTH", "MAIL")) for line in server.heard)


def test_a_server_without_starttls_is_refused(start, postbox, letter_to):
    """There is no falling back to the open line, with a password or without."""
    for login in ({}, LOGIN):
        with pytest.raises(ChannelDown, match="STARTTLS extension not supported"):
            SmtpChannel("127.0.0.1", port=start(postbox), sender=SENDER, **login).send(letter_to())
    assert postbox.mails == []


def test_words_before_the_line_is_secret_are_not_believed(letter_to, server_context, client_context):
    """Who puts an answer behind that to STARTTLS speaks in the name of a server that is not yet known."""
    says = {"STARTTLS": b"220 go ahead\r\n250 hello"}
    with ScriptedServer(server_context, says=says) as server:
        channel = SmtpChannel("127.0.0.1", port=server.port, sender=SENDER, context=client_context)
        with pytest.raises(ChannelDown, match="the server spoke before the line was secret"):
            channel.send(letter_to())


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        *((f"550 {status} no", True) for status in ["5.1.1", "5.1.2", "5.1.10", "5.2.1", "5.4.1", "5.4.4"]),
        *((f"550 {status} no", False) for status in ["5.1.7", "5.1.8", "5.2.2", "5.2.3", "5.3.4", "5.4.5", "5.6.0"]),
        *((f"550 {status} no", False) for status in ["5.7.0", "5.7.1", "5.7.26", "5.1.80"]),
        ("554 5.4.1 Recipient address rejected: Access denied", True),
        *((answer, False) for answer in ["451 5.1.1 later", "421 4.3.2 closing"]),
    ],
)
def test_an_exact_status_says_whose_fault_a_refusal_is(letter_to, answer, permanent):
    """A refusal is permanent only where the address itself is to blame, at RCPT, DATA and the final dot alike."""
    for phase in ("RCPT", "DATA", "final dot"):
        with ScriptedServer(says={phase: answer.encode()}) as server:
            receipt = plain(server.port).send(letter_to())
            assert (receipt.accepted, receipt.permanent) == (False, permanent)
            assert receipt.reason.startswith(answer[:3])
            assert server.taken == []


@pytest.mark.parametrize("status", ["", "5.0.0 ", "5.1.0 ", "5.2.0 ", "5.1 "])
@pytest.mark.parametrize("code", [500, 530, 550, 551, 552, 553, 554])
def test_a_bare_refusal_is_of_the_address_only_where_a_mailbox_was_asked_for(letter_to, code, status):
    """Without an exact status only 550, 551 and 553 to RCPT say that there is no mailbox."""
    for phase in ("RCPT", "DATA", "final dot"):
        with ScriptedServer(says={phase: f"{code} {status}no such user".encode()}) as server:
            receipt = plain(server.port).send(letter_to())
            assert (receipt.accepted, receipt.permanent) == (False, phase == "RCPT" and code in {550, 551, 553})
            assert receipt.reason.startswith(str(code))


@pytest.mark.parametrize(
    "words",
    [
        *("relay not permitted", "We do not RELAY", "Authentication required", "unauthorized", "not allowed"),
        *("Access denied", "for reasons of policy", "Sender verify failed", "bad reputation", "rejected as spam"),
        *("blocked", "in a black list", "blacklisted", "SPF check failed", "no reverse DNS", "over quota"),
        *("mailbox full", "over the limit", "too many recipients", "5.0.0 Relaying denied", "no\r\n550 such relay"),
    ],
)
def test_words_of_another_cause_close_no_address(letter_to, words):
    """A bare 550 to RCPT that speaks of whoever sends, or of what passes, would meet everybody in a wave."""
    with ScriptedServer(says={"RCPT": f"550{'-' if '550' in words else ' '}{words}".encode()}) as server:
        receipt = plain(server.port).send(letter_to())
        assert (receipt.accepted, receipt.permanent) == (False, False)


def test_no_refusal_of_the_sender_closes_an_address(letter_to):
    """A 5xx to MAIL says nothing of any address, however exact it is: the channel is down."""
    for answer in (b"530 Authentication required", b"554 Email address is not verified", b"550 5.1.1 no such user"):
        with ScriptedServer(says={"MAIL": answer}) as server, pytest.raises(ChannelDown, match=answer.decode()):
            plain(server.port).send(letter_to())


def test_long_answers_are_cut(letter_to):
    """What a server says is kept in one short line without addresses."""
    said = b"\r\n".join([b"550-<Ann@Example.com> " + b"x" * 300] * 5 + [b"550 \x1b[31mno"])
    with ScriptedServer(says={"RCPT": said}) as server:
        reason = plain(server.port).send(letter_to()).reason
    assert reason.startswith("550 <(address)> xxx")
    assert len(reason) <= 210


@pytest.mark.parametrize("said", [b"250-x\r\n" * 200 + b"250 ok", b"250 " + b"x" * 100_000, b"999 ok", b"2500", b"250"])
def test_answers_have_an_end(letter_to, said):
    """An answer without an end, or with a code that is none, is not believed; the shortest one is."""
    with ScriptedServer(says={"RCPT": said}) as server:
        channel = plain(server.port, timeout=timedelta(seconds=5))
        if said == b"250":
            assert channel.send(letter_to()).accepted
        else:
            with pytest.raises(ChannelDown):
                channel.send(letter_to())


def test_a_server_may_look_at_a_mail_for_longer_than_it_may_be_silent(letter_to):
    """After the final dot, and nowhere else, the patience is that of `final_timeout`: ten minutes as in RFC 5321."""
    assert plain(25).final_timeout == timedelta(minutes=10)
    with ScriptedServer(thinks={"final dot": 0.9}) as server:
        assert plain(server.port, timeout=SHORT, final_timeout=LONG).send(letter_to()).accepted
        with pytest.raises(Uncertain, match=r"^the server may have taken the message: .*timed out"):
            plain(server.port, timeout=LONG, final_timeout=SHORT).send(letter_to())
    for phase in ("greeting", "RCPT", "DATA"):
        with ScriptedServer(thinks={phase: 0.9}) as server, pytest.raises(ChannelDown, match="timed out"):
            plain(server.port, timeout=SHORT, final_timeout=LONG).send(letter_to())


@pytest.mark.parametrize("answer", [b"250 taken", b"451 later"])
def test_the_patience_ends_with_the_answer(letter_to, answer):
    """Whatever a server says to a mail, it may be silent no longer than before when it is spoken to again."""
    with ScriptedServer(says={"final dot": answer}) as server:
        channel = plain(server.port, timeout=SHORT, final_timeout=LONG)
        with channel:
            assert channel.send(letter_to()).accepted == (answer[:1] == b"2")
            assert channel._line.session.sock.gettimeout() == SHORT.total_seconds()


def test_an_answer_to_a_mail_comes_in_one_go(letter_to):
    """A server that has begun to answer has no more patience than elsewhere, so that a mail ends before its lease."""
    with ScriptedServer(phase="final dot", fault="slow drip") as server, pytest.raises(Uncertain):
        plain(server.port, timeout=SHORT, final_timeout=LONG).send(letter_to())


def test_a_connection_that_was_closed_in_between_is_made_again(letter_to):
    """A server may take only so many mails over one connection; nobody's mail fails by it."""
    with ScriptedServer() as server, plain(server.port) as channel:
        assert channel.send(letter_to()).accepted
        server.phase, server.fault = "MAIL", "421"
        assert channel.send(letter_to()).accepted
        assert (server.connections, len(server.taken)) == (2, 2)


def test_a_server_that_is_closing_is_not_asked_a_third_time(letter_to):
    """If the new connection is sent away as well, the message is refused for now."""
    with ScriptedServer() as server, plain(server.port) as channel:
        assert channel.send(letter_to()).accepted
        server.says["MAIL"] = b"421 too many mails"
        receipt = channel.send(letter_to())
        assert (receipt.accepted, receipt.permanent, receipt.reason) == (False, False, "421 too many mails")
        assert server.connections == 2
        del server.says["MAIL"]
        assert channel.send(letter_to()).accepted


def test_a_refusal_by_mail_from_keeps_the_connection(letter_to):
    """A message that is refused for now on a connection that has served before is not begun twice."""
    with ScriptedServer() as server, plain(server.port) as channel:
        assert channel.send(letter_to()).accepted
        server.phase, server.fault = "MAIL", "4xx"
        assert not channel.send(letter_to()).accepted
        assert channel.send(letter_to()).accepted
        assert server.connections == 1


def test_a_refusal_that_cannot_be_taken_back_ends_the_connection(letter_to):
    """Where the server does not even forget a mail, the next one has a connection of its own."""
    with ScriptedServer(says={"RSET": b"500 what?"}) as server, plain(server.port) as channel:
        server.phase, server.fault = "RCPT", "4xx"
        assert not channel.send(letter_to()).accepted
        assert channel.send(letter_to()).accepted
        assert server.connections == 2


def test_an_interruption_leaves_no_connection_behind(letter_to, monkeypatch):
    """After Ctrl-C in the middle of a mail the next one begins on a new connection."""
    with ScriptedServer() as server, plain(server.port) as channel:
        assert channel.send(letter_to()).accepted

        def interrupted(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("netpromoter.channels._session.Session.carry", interrupted)
            with pytest.raises(KeyboardInterrupt):
                channel.send(letter_to())
        assert channel.send(letter_to()).accepted
        assert (server.connections, len(server.taken)) == (2, 2)


@pytest.mark.parametrize(("given", "said"), [(None, "EHLO [127.0.0.1]"), ("mail.example.com", "EHLO mail.example.com")])
def test_the_greeting_names_this_end(letter_to, given, said):
    """By its address, as RFC 5321 has it for those without a name, or by the name that was given."""
    with ScriptedServer() as server:
        plain(server.port, ehlo=given).send(letter_to())
    assert server.heard[0].upper() == said.upper()


def test_addresses_of_version_six_are_named_as_such():
    """The literal of RFC 5321 says which kind of address it is."""
    from netpromoter.channels._session import _literal

    class Line:
        def getsockname(self):
            return ("::1", 25, 0, 0)

    assert _literal(Line()) == "[IPv6:::1]"


def test_errors_say_nothing_of_the_person(letter_to):
    """What is raised is logged: neither it nor what it came from holds an address."""
    for phase, error in (("MAIL", ChannelDown), ("final dot", Uncertain)):
        with ScriptedServer(says={phase: b"777 ann@example.com"}) as server, pytest.raises(error) as caught:
            plain(server.port).send(letter_to())
        assert "ann@" not in str(caught.value)
        assert caught.value.__suppress_context__


WRONG = [
    *(
        ("host", {"host": held})
        for held in ["", " ", "a\nb", 7, "smtp..example.com", "a b", ".", "smtp.example.com:25"]
    ),
    *(
        ("host", {"host": held})
        for held in [f"{'x' * 64}.example", "ü..example", "-a", "999.1.1.1", "\ud800", "a" * 999]
    ),
    *(("port", {"port": held}) for held in [0, 65536, "25", None]),
    ("security", {"security": "ssl"}),
    ("security", {"security": "none", "username": "a", "password": "b"}),
    ("username and password", {"username": "a"}),
    ("username and password", {"password": "b"}),
    ("username", {"username": "", "password": "b"}),
    *(("password", {"username": "a", "password": held}) for held in ["s3cret\r\n", "", 7]),
    *((name, {name: held}) for name in ("timeout", "final_timeout") for held in [30, timedelta(0)]),
    ("context", {"context": True}),
    *(("ehlo", {"ehlo": held}) for held in ["a\r\nMAIL", "müller.example", "a b", ""]),
]


@pytest.mark.parametrize(("name", "options"), WRONG)
def test_wrong_arguments_are_refused(name, options):
    """Each is named when the channel is made; a password is not shown, and never sent in the clear."""
    given = {"sender": SENDER, "host": "localhost", **options}
    with pytest.raises(InvalidArgument, match=f"^{name} must be ") as refused:
        SmtpChannel(**given)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("host", ["::1", "fe80::1%eth0", "127.0.0.1", "münchen.example", "mail_relay", "localhost."])
def test_a_host_is_a_name_or_an_address(host):
    """Whatever the name service, a network of containers or a cable could know is taken."""
    assert SmtpChannel(host, sender=SENDER).host == host


def test_a_host_that_cannot_be_encoded_brings_the_channel_down(monkeypatch, letter_to):
    """No connection was opened, and so it is known that the message was not sent."""

    def unknown(*_):
        raise UnicodeError("label too long")

    monkeypatch.setattr("netpromoter.channels._session.socket.create_connection", unknown)
    with pytest.raises(ChannelDown, match=r"^smtp\.example\.com:587: label too long$"):
        SmtpChannel("smtp.example.com", sender=SENDER).send(letter_to())


def test_secrets_are_not_shown():
    """Neither password nor user name nor sender is in a log."""
    text = repr(SmtpChannel("localhost", sender=SENDER, **LOGIN))
    assert [secret for secret in (*LOGIN.values(), "care@") if secret in text] == []


def test_certificates_of_the_system_are_read_once(monkeypatch, letter_to):
    """The authorities that the system trusts are loaded for the first connection, and kept."""
    made = []

    def load():
        made.append(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", load)
    with ScriptedServer() as server:
        channel = SmtpChannel(
            "127.0.0.1", port=server.port, security="tls", sender=SENDER, timeout=timedelta(seconds=5)
        )
        for _ in range(2):
            with pytest.raises(ChannelDown):
                channel.send(letter_to())
    assert len(made) == 1
