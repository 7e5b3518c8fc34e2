"""What comes with the package, offered by the hooks that every plugin uses."""

import subprocess
import sys

import pytest

import netpromoter.stores
from netpromoter.errors import InvalidArgument, PluginError
from netpromoter.plugins import Channel, Store, load_plugins, open_store

PLUGINS = load_plugins(entry_points=False)
OPTIONS = {
    "apprise": {"url": "twilio://sid:token@15550100/{to}"},
    "console": {},
    "outbox": {"folder": "outbox"},
    "smtp": {"host": "smtp.example.com", "sender": "care@example.com"},
    "webhook": {"url": "https://hooks.example.com/nps"},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_each_channel_of_the_package_is_made_by_its_name(name, tmp_path, monkeypatch):
    """The name is that of the class, and every option has a name, so that all can be given by keyword."""
    monkeypatch.chdir(tmp_path)
    channel = PLUGINS.channel(name, **OPTIONS[name])
    assert isinstance(channel, Channel)
    assert type(channel).__name__ == f"{name.capitalize()}Channel"


def test_every_channel_of_the_package_is_tried_here():
    """What is offered is what the table above makes."""
    assert set(PLUGINS.channels) == set(OPTIONS)


def test_a_log_in_memory_is_opened_by_its_url():
    """Two that are opened share nothing, and options reach the store."""
    one, two = open_store("memory:", PLUGINS), open_store("memory:", PLUGINS, key=b"secret")
    assert isinstance(one, Store)
    assert one is not two
    with pytest.raises(TypeError, match="depth"):
        open_store("memory:", PLUGINS, depth=3)


@pytest.mark.parametrize("url", ["memory:///nps.db", "memory://", "memory:nps"])
def test_memory_has_nothing_after_its_colon(url):
    """A path behind `memory:` would be a file that nobody writes."""
    with pytest.raises(InvalidArgument, match=r"^url must be 'memory:', with nothing after the colon"):
        open_store(url, PLUGINS)


def test_a_log_in_sqlite_is_opened_by_its_url(tmp_path):
    """What one URL names is one file, and it lasts."""
    store = open_store(f"sqlite:///{tmp_path / 'nps.db'}", PLUGINS, key=b"secret")
    assert isinstance(store, Store)
    store.move_cursor("reader", 3)
    store.close()
    again = open_store(f"sqlite:///{tmp_path / 'nps.db'}", PLUGINS, key=b"secret")
    assert again.cursor("reader") == 3
    again.close()


@pytest.mark.parametrize("scheme", [scheme for scheme in PLUGINS.stores if scheme != "memory"])
def test_every_other_scheme_is_of_sql(scheme, monkeypatch):
    """The whole URL and the options reach `SqlStore`."""
    seen = []
    monkeypatch.setattr(netpromoter.stores, "SqlStore", lambda url, **options: seen.append((url, options)))
    with pytest.raises(Exception, match="must be an object with append"):
        open_store(f"{scheme}://h/nps", PLUGINS, key=b"k")
    assert seen == [(f"{scheme}://h/nps", {"key": b"k"})]


def test_a_real_database_that_cannot_be_opened_is_named(tmp_path):
    """A file that is none and a server that is away are said in the words of the house, with their cause."""
    (tmp_path / "nps.db").write_text("no database" * 99)
    server = "postgresql://nps:hunter2@127.0.0.1:1/nps?connect_timeout=1"
    for url, error in ((f"sqlite:///{tmp_path}/nps.db", "DatabaseError"), (server, "OperationalError")):
        scheme = url.partition(":")[0]
        named = rf"^store '{scheme}' of plugin 'netpromoter' must open \(got \S*{error}: "
        with pytest.raises(PluginError, match=named) as caught:
            open_store(url, PLUGINS)
        assert type(caught.value.__cause__).__name__ == error
        assert "hunter2" not in f"{caught.value}{caught.value.__cause__}"


def test_a_password_of_a_real_database_is_not_shown():
    """Nobody listens there: whatever the driver says, the password is not in it."""
    url = "postgresql+psycopg://nps:hunter2@127.0.0.1:1/nps?connect_timeout=1"
    program = f"from netpromoter.plugins import open_store; list(open_store({url!r}).entries())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    last = [line for line in done.stderr.splitlines() if line and "import open_store" not in line]
    assert done.returncode == 1
    assert [line for line in last if "hunter2" in line] == []


@pytest.mark.parametrize("module", ["sqlalchemy", "apprise", "smtplib", "psycopg"])
def test_the_faces_of_channels_and_stores_import_nothing_large(module):
    """A plugin that is asked for one channel does not load what the others carry with."""
    program = "import netpromoter.channels, netpromoter.stores, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert module not in done.stdout.split()
