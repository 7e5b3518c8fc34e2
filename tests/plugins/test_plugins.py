"""Plugins: what they may offer, what they are told, and how each mistake of theirs is named."""

import importlib
import logging
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace

import attrs
import pluggy
import pytest

import netpromoter.plugins._hookspecs as hookspecs
from netpromoter.errors import InvalidArgument, PluginError
from netpromoter.model import Message, Receipt, Response
from netpromoter.plugins import Channel, Failure, Store, hookimpl, load_plugins, open_store

AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
MESSAGE = Message(survey="nps", occasion="autumn", contact="c-1", step=0, channel="email", to="a@example.com", due=AT)
RECEIPT = Receipt.sent(MESSAGE, "7")
ANSWER = Response(survey="nps", occasion="autumn", contact="c-1", rating=9, at=AT)


class Printer:
    """A channel."""

    def __init__(self, *, paper="white"):
        self.paper = paper

    def send(self, message):
        """Accept everything."""
        return Receipt.sent(message)


class Shelf:
    """What has the methods of a store, and remembers its arguments."""

    def __init__(self, url, **options):
        self.url, self.options = url, options

    def append(self, *_, **__):
        return []

    exclusive = entries = touches = waiting = claims = cursor = move_cursor = forget = forgotten = close = append


def offering(channels=None, stores=None):
    """Give a plugin that returns these two from its hooks, or has only the one that is given."""
    plugin = ModuleType("office")
    if channels is not None:
        plugin.netpromoter_register_channels = hookimpl(lambda: channels, specname="netpromoter_register_channels")
    if stores is not None:
        plugin.netpromoter_register_stores = hookimpl(lambda: stores, specname="netpromoter_register_stores")
    return plugin


def module(name, **functions):
    """Give a module that holds these as its hooks."""
    plugin = ModuleType(name)
    for hook, function in functions.items():
        setattr(plugin, hook, hookimpl(function))
    return plugin


def loaded(*plugins):
    return load_plugins(*plugins, entry_points=False)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Give a function that installs a distribution with entry points into a folder on the path."""
    monkeypatch.syspath_prepend(tmp_path)

    def installed(distribution, entry_points, **modules):
        folder = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        lines = [f"{name} = {value}" for name, value in entry_points.items()]
        (folder / "entry_points.txt").write_text("\n".join(["[netpromoter]", *lines, ""]))
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)
            monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.invalidate_caches()

    return installed


OFFICE = """
from netpromoter.model import Receipt
from netpromoter.plugins import hookimpl

class Printer:
    def send(self, message):
        return Receipt.sent(message)

@hookimpl
def netpromoter_register_channels():
    return {NAME: Printer}
"""


# What is offered


def test_what_is_built_in_comes_through_the_same_hooks():
    """Without any plugin there are the channels and stores of the package, offered by a plugin of its name."""
    plugins = loaded()
    assert plugins.channels == dict.fromkeys(["apprise", "console", "outbox", "smtp", "webhook"], "netpromoter")
    assert plugins.stores == dict.fromkeys(["memory", "postgresql", "postgresql+psycopg", "sqlite"], "netpromoter")


def test_loading_plugins_imports_nothing_that_channels_and_stores_carry_with():
    """Factories import when they are called: until then there is no SQLAlchemy, no Apprise and no smtplib."""
    program = "import netpromoter.plugins as p, sys; p.load_plugins(entry_points=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"sqlalchemy", "apprise", "smtplib", "jinja2", "psycopg", "narwhals", "pandas", "scipy"}
    assert heavy & set(done.stdout.split()) == set()


def test_a_plugin_is_an_object_or_a_module():
    """Both offer; the names of channels lead to the plugin that offers them."""

    class Office:
        @hookimpl
        def netpromoter_register_channels(self):
            return {"printer": Printer}

    plugins = loaded(Office(), offering({"fax": Printer}))
    assert plugins.channels["printer"] == "Office"
    assert plugins.channels["fax"] == "office"
    assert repr(plugins) == "Plugins(Office, office, netpromoter; 7 channels, 4 stores)"


def test_a_channel_is_made_anew_with_its_options():
    """Each call of `channel` calls the factory with the options as keywords."""
    plugins = loaded(offering({"printer": Printer}))
    first, second = plugins.channel("printer", paper="pink"), plugins.channel("printer")
    assert (first.paper, second.paper) == ("pink", "white")
    assert isinstance(first, Channel)


def test_an_option_may_be_called_as_the_argument_is():
    """The name of the channel is positional, so that a factory may take a `name` too."""
    plugins = loaded(offering({"printer": lambda *, name: Printer(paper=name)}))
    assert plugins.channel("printer", name="pink").paper == "pink"


def test_what_a_channel_factory_raises_goes_through():
    """An option that the factory does not take is the caller's mistake, in the factory's words."""
    with pytest.raises(TypeError, match="ink"):
        loaded(offering({"printer": Printer})).channel("printer", ink="blue")


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("printr", "'smtp', 'webhook', perhaps 'printer' (got 'printr')"),
        ("zzzz", "'smtp', 'webhook' (got 'zzzz')"),
        (None, "'smtp', 'webhook' (got None)"),
        (["smtp"], "'smtp', 'webhook' (got ['smtp'])"),
    ],
)
def test_an_unknown_channel_is_refused_with_those_that_there_are(name, end):
    """The message lists the names, and the nearest where one is near."""
    with pytest.raises(InvalidArgument) as caught:
        loaded(offering({"printer": Printer})).channel(name)
    assert str(caught.value) == f"channel must be one of 'apprise', 'console', 'outbox', 'printer', {end}"


@pytest.mark.parametrize(
    ("made", "got"),
    [
        ("text", r"an object with send \(got a str without send\)"),
        (None, r"an object with send \(got a NoneType without send\)"),
        (SimpleNamespace(send="hello"), r"an object with send \(got a SimpleNamespace without send\)"),
        (Printer, r"an instance \(got the class Printer\)"),
    ],
)
def test_what_is_no_channel_is_refused(made, got):
    """A factory that gives anything without a method `send`, or a class, is named with its plugin."""
    plugins = loaded(offering({"printer": lambda: made}))
    with pytest.raises(PluginError, match=rf"^channel 'printer' of plugin 'office' must be {got}$"):
        plugins.channel("printer")


def test_rows_say_what_each_plugin_brings():
    """There is a plain row for each plugin, in the order in which they are told."""
    bell = module("bell", netpromoter_message_sent=lambda: None)
    rows = loaded(bell, offering({"printer": Printer, "fax": Printer}, {"shelf": Shelf})).rows()
    nothing = {"channels": "", "stores": "", "told": ""}
    assert rows[0] == {**nothing, "plugin": "bell", "from": "given", "told": "netpromoter_message_sent"}
    assert rows[1] == {**nothing, "plugin": "office", "from": "given", "channels": "fax, printer", "stores": "shelf"}
    assert [(row["plugin"], row["from"]) for row in rows[2:]] == [("netpromoter", "netpromoter")]


# Stores


def test_a_store_is_opened_by_the_scheme_of_its_url():
    """The factory is called with the whole URL and the options."""
    plugins = loaded(offering(stores={"shelf": Shelf}))
    store = open_store("shelf://top/left", plugins, depth=3)
    assert (store.url, store.options) == ("shelf://top/left", {"depth": 3})
    assert isinstance(store, Store)
    assert plugins.store("shelf:").url == "shelf:"


def test_without_plugins_open_store_looks_for_them(install):
    """`open_store(url)` finds what is installed at that moment."""
    shelf = "from netpromoter.plugins import hookimpl\n@hookimpl\ndef netpromoter_register_stores(): return {'x': X}\n"
    shelf += "class X:\n  def __init__(self, url): self.url = url\n  def __getattr__(self, name): return print\n"
    with pytest.raises(InvalidArgument, match=r"^scheme of url must be one of .*'memory'.* \(got 'x'\)$"):
        open_store("x:1")
    install("shelves", {"shelf": "shelf_plugin"}, shelf_plugin=shelf)
    assert open_store("x:1").url == "x:1"


@pytest.mark.parametrize("url", ["nps.db", "hunter2", "", ":", "/srv/nps.db", "user:hunter2", "a b://x", "1x:y"])
def test_a_url_without_a_known_scheme_is_refused_and_not_shown(url):
    """What is no URL may be a password, so that it stands in no message."""
    with pytest.raises(InvalidArgument) as caught:
        open_store(url, loaded())
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).startswith(
        (
            "url must be text that begins with a scheme, such as 'sqlite:///nps.db' (got text without one)",
            "scheme of url must be one of ",
        )
    )


@pytest.mark.parametrize("url", [None, 3, b"sqlite://", ["sqlite:"]])
def test_a_url_is_text(url):
    """Anything else is refused by its type."""
    with pytest.raises(InvalidArgument, match=rf"^url must be text .* \(got a {type(url).__name__}\)$"):
        open_store(url, loaded())


def test_a_mistyped_scheme_gets_the_nearest():
    """The message names the schemes and a near one, and nothing of the URL."""
    with pytest.raises(InvalidArgument, match=r"'sqlite', perhaps 'postgresql' \(got 'postgres'\)$"):
        open_store("postgres://nps:hunter2@db/nps", loaded())


def test_what_is_no_store_is_refused_with_what_it_lacks():
    """The message names the plugin and each method that is missing."""
    half = SimpleNamespace(append=print, close=print, entries=None)
    plugins = loaded(offering(stores={"half": lambda url: half}))
    lacks = "exclusive, entries, touches, waiting, claims, cursor, move_cursor, forget, forgotten"
    with pytest.raises(PluginError) as caught:
        plugins.store("half:")
    assert str(caught.value).startswith("store 'half' of plugin 'office' must be an object with append, exclusive, ")
    assert str(caught.value).endswith(f" (got a SimpleNamespace without {lacks})")


def failing(spoiled):
    """Give plugins whose store fails with what `spoiled` makes of its URL."""

    def factory(url):
        raise spoiled(url)

    return loaded(offering(stores={"db": factory}))


def wrapped(url):
    error = ValueError("no")
    error.__cause__ = OSError(f"cannot reach {url}")
    return error


def noted(url):
    error = ValueError("no")
    error.add_note(url)
    return error


@pytest.mark.parametrize("spoiled", [ValueError, lambda url: OSError(5, url), KeyError, wrapped, noted])
@pytest.mark.parametrize(
    "url",
    [
        "db://nps:hunter2@h/nps",
        "db://:hunter2@h/nps",
        "db://nps:x/hunter2@h/nps",
        "db://nps:xx/hunter2@yy/zz@h/nps",
        "db://nps:yy@xx/hunter2/zz@h/nps",
        "db://nps:hunter2",
        "db://nps:hunter2/nps",
        "db://h/nps?user=nps&password=hunter2",
        "db://h/nps?sslpassword=hunter2&x=1",
    ],
)
def test_an_error_never_shows_the_password_of_a_url(spoiled, url):
    """What a store raises is replaced where a traceback of it would show the password; the rest of it stays."""
    with pytest.raises(PluginError, match=r"^store 'db' of plugin 'office' must open \(got ") as caught:
        failing(spoiled).store(url)
    assert "hunter2" not in "".join(traceback.TracebackException.from_exception(caught.value, limit=0).format())
    assert type(spoiled("")).__name__ in str(caught.value)
    assert caught.value.__context__ is caught.value.__cause__ is None


def test_a_password_is_found_whether_it_is_quoted_or_not():
    """A driver says the password as it decoded it."""
    plugins = failing(lambda url: OSError("denied: h@nter 2"))
    with pytest.raises(PluginError, match=r"\(got OSError: denied: \*\*\*\)$"):
        plugins.store("db://nps:h%40nter%202@h/nps")


def test_an_error_that_cannot_show_itself_shows_no_password():
    """The message then has the type of the error, and its cause stays hidden."""

    def spoiled(url):
        error = Hostile()
        error.__cause__ = OSError(url)
        return error

    with pytest.raises(PluginError, match="Hostile") as caught:
        failing(spoiled).store("db://nps:hunter2@h/nps")
    assert "hunter2" not in str(caught.value)


HARMLESS = ["db://nps:hunter2@h/nps", "db://nps:factory@h/nps", "db:", "db://h:5432/nps?x=1", "db://[::1]:5432/nps"]


@pytest.mark.parametrize("url", HARMLESS)
def test_a_store_that_cannot_be_opened_is_named(url):
    """What hinders it is said in one line and is the cause; a line of code is not what an error says."""
    error = ConnectionRefusedError("the host is down\n\tat port 5432")
    with pytest.raises(PluginError) as caught:
        failing(lambda url: error).store(url)
    said = "ConnectionRefusedError: the host is down at port 5432"
    assert str(caught.value) == f"store 'db' of plugin 'office' must open (got {said})"
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("url", HARMLESS)
@pytest.mark.parametrize("error", [InvalidArgument("key must be bytes"), TypeError("no option 'depth'")])
def test_what_is_wrong_with_the_call_goes_through(url, error):
    """An error in the words of the house, or of Python about the options, reaches the caller as it is."""
    with pytest.raises(type(error)) as caught:
        failing(lambda url: error).store(url)
    assert caught.value is error


@pytest.mark.parametrize(
    "url",
    [
        "db://nps:x@hunter2@h/nps",
        "db://nps:hunter2@x@h",
        "db://nps@hunter2@h/nps",
        "db://nps:@@h?x=1",
        "db://nps:x/hun@hunter2@h/nps",
    ],
)
def test_a_password_with_an_at_must_be_quoted(url):
    """A driver would take the end of such a password for the host, and say it; the store is not asked."""
    with pytest.raises(InvalidArgument) as caught:
        failing(AssertionError).store(url)
    message = "url must have @ in a user or a password written as %40 (got two @ before the path)"
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "url",
    [
        "shelf:////srv/a@b/c@d.db",
        "shelf:///C:/a@b@c",
        "shelf://nps:x@h/d@b",
        "shelf://h/nps?to=a@b&cc=c@d",
        "shelf:a@b@c",
    ],
)
def test_an_at_elsewhere_is_none_of_a_password(url):
    """In a path and in an option it stands as it is."""
    assert loaded(offering(stores={"shelf": Shelf})).store(url).url == url


# What is told


def test_plugins_are_told_with_what_they_ask_for():
    """A hook may take some of its facts, all or none."""
    heard = []
    plugins = loaded(
        module("a", netpromoter_message_sent=lambda message, receipt: heard.append((message, receipt))),
        module("b", netpromoter_message_sent=lambda receipt: heard.append(("b", receipt))),
        module("c", netpromoter_message_sent=lambda: heard.append("sent")),
        module("d", netpromoter_response_received=lambda response: heard.append(("d", response))),
    )
    assert plugins.tell("netpromoter_message_sent", message=MESSAGE, receipt=RECEIPT) == ()
    assert plugins.tell("netpromoter_response_received", response=ANSWER) == ()
    assert heard == [(MESSAGE, RECEIPT), ("b", RECEIPT), "sent", ("d", ANSWER)]


def test_whom_to_tell_can_be_named():
    """With names after the hook, these plugins alone are told."""
    heard = []
    plugins = loaded(*(module(name, netpromoter_message_sent=lambda n=name: heard.append(n)) for name in "abc"))
    plugins.tell("netpromoter_message_sent", "c", "a", message=MESSAGE, receipt=RECEIPT)
    assert heard == ["a", "c"]
    with pytest.raises(InvalidArgument, match=r"^plugin must be one of 'a', 'b', 'c', 'netpromoter' \(got 'd'\)$"):
        plugins.tell("netpromoter_message_sent", "d", message=MESSAGE, receipt=RECEIPT)


def raising(error):
    def hook():
        raise error

    return hook


def test_plain_pluggy_stops_at_the_first_that_raises():
    """With pluggy alone, one plugin keeps the others from hearing; hence `Plugins.tell`."""
    heard = []
    manager = pluggy.PluginManager("netpromoter")
    manager.add_hookspecs(hookspecs)
    manager.register(module("last", netpromoter_message_sent=lambda: heard.append("last")))
    manager.register(module("bad", netpromoter_message_sent=raising(OSError("no paper"))))
    with pytest.raises(OSError, match="no paper"):
        manager.hook.netpromoter_message_sent(message=MESSAGE, receipt=RECEIPT)
    assert heard == []


def test_one_that_raises_hinders_no_other_and_is_logged(caplog):
    """Each is told; each failure is given back, and logged with its plugin and where it was raised, but no address."""
    heard, error = [], OSError("no paper for ann@example.com")
    plugins = loaded(
        module("bad", netpromoter_message_sent=raising(error)),
        module("good", netpromoter_message_sent=lambda: heard.append("good")),
        module("worse", netpromoter_message_sent=raising(error)),
    )
    with caplog.at_level(logging.ERROR, logger="netpromoter.plugins"):
        failures = plugins.tell("netpromoter_message_sent", message=MESSAGE, receipt=RECEIPT)
    assert heard == ["good"]
    assert failures == tuple(
        Failure(plugin=name, hook="netpromoter_message_sent", error=error) for name in ("bad", "worse")
    )
    said = "raised in netpromoter_message_sent: OSError: no paper for (address)"
    assert [record.getMessage().splitlines()[0] for record in caplog.records] == [
        f"plugin bad {said}",
        f"plugin worse {said}",
    ]
    assert all("raise error" in record.getMessage() and record.exc_info is None for record in caplog.records)


def test_who_stops_the_program_stops_it():
    """A Ctrl-C while a plugin is told is not a failure of the plugin."""
    plugins = loaded(module("bad", netpromoter_message_sent=raising(KeyboardInterrupt)))
    with pytest.raises(KeyboardInterrupt):
        plugins.tell("netpromoter_message_sent", message=MESSAGE, receipt=RECEIPT)


def test_a_plugin_that_exits_silences_no_other(caplog):
    """It fails as one that raises anything else, and is named in the log."""
    heard, leaving = [], SystemExit("no paper")
    plugins = loaded(
        module("bad", netpromoter_message_sent=raising(leaving)),
        module("good", netpromoter_message_sent=lambda: heard.append("good")),
    )
    failures = plugins.tell("netpromoter_message_sent", message=MESSAGE, receipt=RECEIPT)
    assert failures == (Failure(plugin="bad", hook="netpromoter_message_sent", error=leaving),)
    assert heard == ["good"]
    assert "plugin bad raised in netpromoter_message_sent: SystemExit: no paper" in caplog.text


def test_the_order_is_that_of_the_arguments_unless_a_plugin_says_otherwise():
    """Plugins are told in the order in which they were given; `tryfirst` and `trylast` change that."""
    names = ["b", "a", "d", "c"]
    plugins = [module(name, netpromoter_message_sent=lambda: None) for name in names]
    assert loaded(*plugins).told["netpromoter_message_sent"] == tuple(names)
    late, early = ModuleType("late"), ModuleType("early")
    late.hook = hookimpl(lambda: None, specname="netpromoter_message_sent", trylast=True)
    early.hook = hookimpl(lambda: None, specname="netpromoter_message_sent", tryfirst=True)
    told = loaded(late, *plugins, early).told["netpromoter_message_sent"]
    assert told == ("early", *names, "late")


@pytest.mark.parametrize("hook", ["netpromoter_register_channels", "netpromoter_message_snt", None])
def test_only_hooks_that_are_told_are_told(hook):
    """What a plugin offers is asked once, when plugins are loaded."""
    cases = [f"netpromoter_case_{news}" for news in ("opened", "due", "overdue", "escalated", "closed")]
    told = ", ".join(map(repr, ["netpromoter_message_sent", "netpromoter_response_received", *cases]))
    with pytest.raises(InvalidArgument, match=rf"^hook must be one of {told} \(got "):
        loaded().tell(hook)


@pytest.mark.parametrize("facts", [{}, {"message": MESSAGE}, {"message": 1, "receipt": 2, "response": 3}])
def test_a_hook_is_told_its_own_facts(facts):
    """Each fact of the hook is given, and no other, even where nobody listens."""
    with pytest.raises(InvalidArgument, match=r"^facts must be those of the hook, message and receipt \(got \["):
        loaded().tell("netpromoter_message_sent", **facts)


# Bad plugins


def misnamed():
    return {}


def plain(message):
    """A hook without its mark."""


def one_of_kind(function):
    return module("bad", netpromoter_message_sent=function)


async def coroutine(message):
    """Nobody would await it."""


def generator(message):
    yield message


async def stream(message):
    yield message


def unmarked():
    plugin = offering({"printer": Printer})
    plugin.__name__ = "bad"
    plugin.netpromoter_message_sent = lambda message: None
    return plugin


class Ringing:
    """A plugin that was not made: its class stands for it."""

    @hookimpl
    def netpromoter_message_sent(self, message):
        """Do nothing."""


def wrapper():
    result = yield
    return result


class Hostile(Exception):
    """An error that cannot show itself."""

    def __str__(self):
        raise RuntimeError


class Pairless(dict):
    """A mapping whose items are none."""

    def items(self):
        return [1, 2]


PAIRLESS = Pairless()
CHANNELS = "netpromoter_register_channels of plugin 'bad' must return a mapping of names such as 'smtp' to factories"
STORES = (
    "netpromoter_register_stores of plugin 'bad' must return a mapping of schemes in lower case, such as 'sqlite', "
)
STORES += "to factories"
SENT = "netpromoter_message_sent of plugin 'bad' must"
BAD = {
    "a mistyped hook": (
        module("bad", netpromoter_register_chanels=misnamed),
        "hooks of plugin 'bad' must exist (got 'netpromoter_register_chanels', perhaps for 'netpromoter_register_ch",
    ),
    "a hook of another age": (
        module("bad", netpromoter_message=misnamed, netpromoter_message_sent=plain),
        "hooks of plugin 'bad' must exist (got 'netpromoter_message', perhaps for 'netpromoter_message_sent')",
    ),
    "an unknown argument": (
        module("bad", netpromoter_message_sent=lambda message, answer: None),
        "hooks of plugin 'bad' must be as specified (got: Plugin 'bad' for hook 'netpromoter_message_sent' ",
    ),
    "an argument to a hook that is told nothing": (
        module("bad", netpromoter_register_channels=lambda plugins: {}),
        "hooks of plugin 'bad' must be as specified (got: Plugin 'bad' for hook 'netpromoter_register_channels' ",
    ),
    "arguments by keyword": (
        one_of_kind(lambda *, message: None),
        f"{SENT} take its arguments by position (got (*, message))",
    ),
    "an async hook": (one_of_kind(coroutine), f"{SENT} be a plain function (got a generator or a coroutine)"),
    "a generator": (one_of_kind(generator), f"{SENT} be a plain function (got a generator or a coroutine)"),
    "an async generator": (one_of_kind(stream), f"{SENT} be a plain function (got a generator or a coroutine)"),
    "no mark": (unmarked(), f"{SENT} be marked with @hookimpl (got it without)"),
    "nothing": (ModuleType("bad"), "plugin 'bad' must implement a hook (got a module with none)"),
    "text": ("bad", "plugin 'str' must implement a hook (got a str with none)"),
    "None": (None, "plugin 'NoneType' must be a module or an object with hooks (got None)"),
    "a class": (
        Ringing,
        f"{SENT.replace('bad', 'Ringing')} be that of an instance, also in an entry point (got a class: call it)",
    ),
    "raises": (
        module("bad", netpromoter_register_channels=raising(OSError("no paper"))),
        f"{CHANNELS} (got OSError: no paper)",
    ),
    "raises what cannot be shown": (module("bad", netpromoter_register_stores=raising(Hostile())), f"{STORES} (got "),
    "returns None": (module("bad", netpromoter_register_channels=lambda: None), f"{CHANNELS} (got a NoneType)"),
    "exits": (module("bad", netpromoter_register_channels=raising(SystemExit(3))), f"{CHANNELS} (got SystemExit: 3)"),
    "returns no pairs": (
        module("bad", netpromoter_register_channels=lambda: PAIRLESS),
        f"{CHANNELS} (got a Pairless)",
    ),
    "returns a list": (module("bad", netpromoter_register_stores=lambda: [Shelf]), f"{STORES} (got a list)"),
    "a nameless channel": (
        module("bad", netpromoter_register_channels=lambda: {"": Printer}),
        f"{CHANNELS} (got the name '')",
    ),
    "a channel that steers the terminal": (
        module("bad", netpromoter_register_channels=lambda: {"\x1b[2J": Printer}),
        f"{CHANNELS} (got the name '\\x1b[2J')",
    ),
    "a numbered channel": (
        module("bad", netpromoter_register_channels=lambda: {1: Printer}),
        f"{CHANNELS} (got the name 1)",
    ),
    "a whole URL": (
        module("bad", netpromoter_register_stores=lambda: {"db://": Shelf}),
        f"{STORES} (got the name 'db://')",
    ),
    "a scheme with a capital letter": (
        module("bad", netpromoter_register_stores=lambda: {"WareHouse": Shelf}),
        f"{STORES} (got the name 'WareHouse')",
    ),
    "no factory": (
        module("bad", netpromoter_register_channels=lambda: {"printer": "secret"}),
        f"{CHANNELS} (got a str for 'printer')",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_plugin_is_refused_by_its_name(case):
    """Each mistake is an error when plugins are loaded, which names the plugin and says what it did."""
    plugin, text = BAD[case]
    with pytest.raises(PluginError) as caught:
        loaded(module("good", netpromoter_message_sent=plain), plugin)
    assert str(caught.value).startswith(text)


def test_a_wrapper_is_refused():
    """A plugin does not come between another and what that is told or asked."""
    plugin = ModuleType("bad")
    plugin.netpromoter_register_channels = hookimpl(wrapper, specname="netpromoter_register_channels", wrapper=True)
    with pytest.raises(PluginError, match=r"^netpromoter_register_channels of plugin 'bad' must be a plain function"):
        loaded(plugin)


def test_the_error_of_a_plugin_is_the_cause():
    """Whoever wrote the plugin finds their own line in the traceback."""
    error = OSError("no paper")
    with pytest.raises(PluginError) as caught:
        loaded(module("bad", netpromoter_register_channels=raising(error)))
    assert caught.value.__cause__ is error


def test_a_hook_of_a_later_version_may_be_optional():
    """What is marked `optionalhook` may be unknown, so that one plugin serves several versions."""
    plugin = module("bell", netpromoter_message_sent=plain)
    plugin.later = hookimpl(lambda case: None, specname="netpromoter_case_opened", optionalhook=True)
    assert loaded(plugin).told["netpromoter_message_sent"] == ("bell",)


def test_a_mistyped_hook_is_found_beside_an_optional_one():
    """An optional hook that is unknown is not blamed for one that is mistyped."""
    plugin = module("bad", netpromoter_mesage_sent=plain)
    plugin.early = hookimpl(lambda: None, specname="netpromoter_case_opened", optionalhook=True)
    with pytest.raises(PluginError, match=r"got 'netpromoter_mesage_sent', perhaps for 'netpromoter_message_sent'"):
        loaded(plugin)


@pytest.mark.parametrize(
    ("one", "two", "name", "hook", "owners"),
    [
        (offering({"fax": Printer}), offering({"fax": Printer}), "fax", "channels", "'office' and 'office (2)'"),
        (offering({"smtp": Printer}), offering({}), "smtp", "channels", "'office' and 'netpromoter'"),
        (offering(stores={"sqlite": Shelf}), offering({}), "sqlite", "stores", "'office' and 'netpromoter'"),
    ],
)
def test_two_that_offer_one_name_are_both_named(one, two, name, hook, owners):
    """Which of them is meant is not guessed, though one be built in."""
    with pytest.raises(PluginError) as caught:
        loaded(one, two)
    rule = f"'{name}' must be offered once by netpromoter_register_{hook}"
    assert str(caught.value) == f"{rule} (got it from plugins {owners})"


def test_a_plugin_that_is_given_twice_counts_once():
    """The same object is one plugin."""
    plugin = offering({"fax": Printer})
    assert list(loaded(plugin, plugin).origins) == ["office", "netpromoter"]


def test_plugins_of_one_name_are_numbered():
    """Two instances of one class are two plugins."""
    heard = []

    class Bell:
        @hookimpl
        def netpromoter_message_sent(self):
            heard.append(self)

    plugins = loaded(Bell(), Bell(), Bell())
    assert list(plugins.origins) == ["Bell", "Bell (2)", "Bell (3)", "netpromoter"]
    plugins.tell("netpromoter_message_sent", message=MESSAGE, receipt=RECEIPT)
    assert len(set(heard)) == 3


def test_plugins_that_are_equal_are_refused():
    """Pluggy tells plugins apart by equality; one that it would confuse with another is named."""

    @attrs.frozen
    class Bell:
        @hookimpl
        def netpromoter_message_sent(self):
            """Do nothing."""

    with pytest.raises(PluginError, match=r"^plugin 'Bell' must be unlike the others, .* \(got ValueError\)$"):
        loaded(Bell(), Bell())


def test_a_plugin_that_loads_plugins_disturbs_nobody():
    """Each call has a manager of its own: what is loaded while plugins are asked does not turn up outside."""
    inner = []

    def channels():
        inner.append(loaded(offering({"fax": Printer})))
        return {"printer": Printer}

    outer = loaded(module("nested", netpromoter_register_channels=channels))
    assert list(outer.origins) == ["nested", "netpromoter"]
    assert list(inner[0].origins) == ["office", "netpromoter"]
    assert "fax" not in outer.channels


def test_nothing_is_kept_between_calls():
    """A plugin that was given once is not known the next time."""
    assert "fax" in loaded(offering({"fax": Printer})).channels
    assert "fax" not in loaded().channels


# Installed plugins


def test_an_installed_plugin_is_found_by_its_entry_point(install):
    """The plugin is called as its entry point is, and comes from its distribution."""
    install("paper-office", {"office": "office_plugin"}, office_plugin=OFFICE.replace("NAME", "'fax'"))
    plugins = load_plugins()
    assert plugins.channels["fax"] == "office"
    assert plugins.origins["office"] == "paper-office 1.2"
    assert isinstance(plugins.channel("fax"), Channel)
    assert "fax" not in loaded().channels


def test_one_that_is_installed_and_given_counts_once(install):
    """An author's test that gives the module runs whether or not it is installed."""
    install("paper-office", {"office": "office_plugin"}, office_plugin=OFFICE.replace("NAME", "'fax'"))
    import office_plugin

    assert load_plugins(office_plugin).channels["fax"] == "office"


def test_a_plugin_that_two_entry_points_name_counts_once(install):
    """The first name is its name."""
    points = {"printing": "office_plugin", "office": "office_plugin"}
    install("paper-office", points, office_plugin=OFFICE.replace("NAME", "'fax'"))
    plugins = load_plugins()
    assert plugins.channels["fax"] == "office"
    assert "printing" not in plugins.origins


def test_installed_plugins_come_in_the_order_of_their_names(install):
    """Neither the path nor the file system decides who is told first; those that are given come before."""
    bell = "from netpromoter.plugins import hookimpl\n@hookimpl\ndef netpromoter_message_sent(): pass\n"
    install("z-bells", {"b_one": "bell_b", "d_one": "bell_d"}, bell_b=bell, bell_d=bell)
    install("a-bells", {"c_one": "bell_c", "a_one": "bell_a"}, bell_c=bell, bell_a=bell)
    told = load_plugins(module("zz", netpromoter_message_sent=plain)).told["netpromoter_message_sent"]
    assert [name for name in told if name.endswith("_one") or name == "zz"] == [
        "zz",
        "a_one",
        "b_one",
        "c_one",
        "d_one",
    ]


def test_what_is_given_and_what_is_built_in_stand_around_what_is_installed(install):
    """What comes with the package is told last; who is given under the name of an installed plugin gets a number."""
    install("paper-office", {"office": "office_plugin"}, office_plugin=OFFICE.replace("NAME", "'fax'"))
    names = list(load_plugins(offering({"telex": Printer})).origins)
    assert names[0] == "office (2)"
    assert names[-1] == "netpromoter"
    assert "office" in names[1:-1]


def test_entry_points_of_one_name_are_refused(install):
    """Both distributions are named."""
    install("paper-office", {"office": "office_plugin"}, office_plugin=OFFICE.replace("NAME", "'fax'"))
    install("other-office", {"office": "other_plugin"}, other_plugin=OFFICE.replace("NAME", "'tube'"))
    with pytest.raises(PluginError) as caught:
        load_plugins()
    both = "'office' from other-office 1.2 and paper-office 1.2"
    assert str(caught.value) == f"plugin must have a name of its own (got {both})"


def test_nobody_is_called_as_what_is_built_in(install):
    """An entry point named `netpromoter` would be mistaken for the package."""
    install("paper-office", {"netpromoter": "office_plugin"}, office_plugin=OFFICE.replace("NAME", "'fax'"))
    with pytest.raises(PluginError, match=r"\(got 'netpromoter' from netpromoter and paper-office 1.2\)$"):
        load_plugins()


@pytest.mark.parametrize(
    ("value", "text", "said"),
    [
        ("nonesuch_plugin", "", "ModuleNotFoundError: No module named 'nonesuch_plugin'"),
        ("broken_plugin", "import nonesuch", "ModuleNotFoundError: No module named 'nonesuch'"),
        ("broken_plugin", "1/0", "ZeroDivisionError: division by zero"),
        ("broken_plugin", "raise SystemExit(0)", "SystemExit: 0"),
        ("broken_plugin", "x y", "SyntaxError: invalid syntax"),
        ("broken_plugin:absent", "", "AttributeError: module 'broken_plugin' has no attribute 'absent'"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_named(install, value, text, said):
    """The message names the entry point and its distribution; the error of the import is the cause."""
    install("bad-office", {"bad": value}, broken_plugin=text)
    with pytest.raises(PluginError, match=r"^plugin 'bad' from bad-office 1.2 must be importable \(got ") as caught:
        load_plugins()
    assert said in str(caught.value)
    assert type(caught.value.__cause__).__name__ == said.partition(":")[0]


def test_a_plugin_that_loads_all_plugins_forever_is_named(install):
    """A hook that loads what is installed, itself among it, ends as an error of that plugin."""
    text = OFFICE.replace("return {NAME: Printer}", "import netpromoter.plugins as p; p.load_plugins()")
    install("bad-office", {"bad": "endless_plugin"}, endless_plugin=text)
    with pytest.raises(PluginError, match=r"^netpromoter_register_channels of plugin 'bad' must return a mapping"):
        load_plugins()


def test_the_specifications_offer_nothing():
    """A specification is documentation: called, it offers nothing and says nothing."""
    assert hookspecs.netpromoter_register_channels() == hookspecs.netpromoter_register_stores() == {}
    assert (
        hookspecs.netpromoter_message_sent(MESSAGE, RECEIPT) is hookspecs.netpromoter_response_received(ANSWER) is None
    )
