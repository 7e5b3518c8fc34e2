"""What plugins offer, and telling them what happened."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import attrs

from netpromoter._checks import one_of, raised, refusal, where_raised
from netpromoter.errors import NetPromoterError, PluginError

from ._ports import Channel, Store
from ._urls import scheme_of, without_password

__all__ = ["Failure", "Listener", "Offer", "Plugins"]

_LOG = logging.getLogger("netpromoter.plugins")


@attrs.frozen(kw_only=True)
class Failure:
    """A plugin that raised when it was told something.

    Parameters
    ----------
    plugin : str
        The name of the plugin.
    hook : str
        The name of the hook.
    error : Exception or SystemExit
        What it raised. That a plugin wants to exit is a failure too; a KeyboardInterrupt goes through.

    Examples
    --------
    >>> Failure(plugin="slack", hook="netpromoter_message_sent", error=OSError("no network"))
    Failure(plugin='slack', hook='netpromoter_message_sent', error=OSError('no network'))
    """

    plugin: str
    hook: str
    error: Exception | SystemExit


@attrs.frozen(kw_only=True)
class Offer:
    """A factory, and whose it is."""

    plugin: str
    factory: Callable[..., Any]


@attrs.frozen(kw_only=True)
class Listener:
    """What a plugin wants to be told, and how."""

    plugin: str
    function: Callable[..., object]
    wanted: tuple[str, ...]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Plugins:
    """What was found by `load_plugins`, which makes it.

    Parameters
    ----------
    origins : mapping of str to str
        The name of each plugin, and where it comes from: the distribution that brought it, or "given".
    facts : mapping of str to tuple of str
        The hooks that are told, and what each is told.

    Examples
    --------
    >>> from netpromoter.plugins import load_plugins
    >>> plugins = load_plugins(entry_points=False)
    >>> plugins
    Plugins(netpromoter; 5 channels, 4 stores)
    >>> plugins.channels["smtp"]
    'netpromoter'
    """

    origins: Mapping[str, str]
    facts: Mapping[str, tuple[str, ...]]
    _channels: Mapping[str, Offer]
    _stores: Mapping[str, Offer]
    _listeners: Mapping[str, tuple[Listener, ...]]

    def __repr__(self) -> str:
        return f"Plugins({', '.join(self.origins)}; {len(self._channels)} channels, {len(self._stores)} stores)"

    @property
    def channels(self) -> dict[str, str]:
        """The names of channels, and the plugin that offers each."""
        return {name: offer.plugin for name, offer in self._channels.items()}

    @property
    def stores(self) -> dict[str, str]:
        """The schemes of URLs, and the plugin that offers a store for each."""
        return {name: offer.plugin for name, offer in self._stores.items()}

    @property
    def told(self) -> dict[str, tuple[str, ...]]:
        """The hooks that are told, and the plugins that listen to each, in the order in which they are told."""
        return {hook: tuple(found.plugin for found in listeners) for hook, listeners in self._listeners.items()}

    def rows(self) -> list[dict[str, str]]:
        """Say for each plugin, as text, where it comes from, what it offers and what it is told.

        Examples
        --------
        >>> from netpromoter.plugins import load_plugins
        >>> load_plugins(entry_points=False).rows()[0]["channels"]
        'apprise, console, outbox, smtp, webhook'
        """
        return [
            {
                "plugin": plugin,
                "from": origin,
                "channels": ", ".join(name for name, owner in self.channels.items() if owner == plugin),
                "stores": ", ".join(scheme for scheme, owner in self.stores.items() if owner == plugin),
                "told": ", ".join(hook for hook, listeners in self.told.items() if plugin in listeners),
            }
            for plugin, origin in self.origins.items()
        ]

    def channel(self, name: str, /, **options: Any) -> Channel:
        """Make a channel.

        Parameters
        ----------
        name : str
            One of `channels`.
        **options
            What its factory takes.

        Returns
        -------
        Channel
            A new one for each call.

        Raises
        ------
        InvalidArgument
            If no plugin offers a channel of this name.
        PluginError
            If what the factory gives is not a channel. What the factory raises goes through.

        Examples
        --------
        >>> from netpromoter.channels import OutboxChannel
        >>> from netpromoter.plugins import hookimpl, load_plugins
        >>> class Office:
        ...     @hookimpl
        ...     def netpromoter_register_channels(self):
        ...         return {"tray": OutboxChannel}
        >>> load_plugins(Office()).channel("tray", folder="letters")
        OutboxChannel(...)
        """
        offer = _known("channel", name, self._channels)
        made: Channel = offer.factory(**options)
        _refuse_unlike(Channel, made, f"channel {name!r} of plugin {offer.plugin!r}")
        return made

    def store(self, url: str, /, **options: Any) -> Store:
        """Open the store that a URL names, as `open_store` does."""
        scheme = scheme_of(url)
        offer = _known("scheme of url", scheme, self._stores)
        named = f"store {scheme!r} of plugin {offer.plugin!r}"
        try:
            opened: Store = offer.factory(url, **options)
        except Exception as error:
            said, harmless = without_password(error, url)
            if harmless and isinstance(error, NetPromoterError | TypeError):
                raise
            cause = error if harmless else None
        else:
            _refuse_unlike(Store, opened, named)
            return opened
        # Raised here and not above, so that what it hides is not its context.
        raise PluginError(f"{named} must open (got {said})") from cause

    def tell(self, hook: str, /, *plugins: str, **facts: object) -> tuple[Failure, ...]:
        """Tell plugins what happened, one after the other.

        Whatever one of them raises is logged by ``netpromoter.plugins`` with its name, and hinders no other. A
        KeyboardInterrupt alone goes through.

        Parameters
        ----------
        hook : str
            One of `facts`.
        *plugins : str
            Whom to tell; all if nobody is named.
        **facts
            What the hook is told.

        Returns
        -------
        tuple of Failure
            One for each plugin that raised.

        Raises
        ------
        InvalidArgument
            If the hook or a plugin is unknown, or the hook is told something else.

        Examples
        --------
        >>> from netpromoter.plugins import hookimpl, load_plugins
        >>> class Bell:
        ...     @hookimpl
        ...     def netpromoter_response_received(self, response):
        ...         print(f"somebody gave a {response.rating}")
        >>> from datetime import UTC, datetime
        >>> from netpromoter.model import Response
        >>> at = datetime(2026, 6, 2, tzinfo=UTC)
        >>> answer = Response(survey="relationship", occasion="autumn", contact="c-1", rating=9, at=at)
        >>> load_plugins(Bell()).tell("netpromoter_response_received", response=answer)
        somebody gave a 9
        ()
        """
        if set(facts) != set(self.facts[one_of("hook", hook, self.facts)]):
            raise refusal("facts", "those of the hook, " + " and ".join(self.facts[hook]), sorted(facts))
        for name in plugins:
            one_of("plugin", name, self.origins)
        found = [listener for listener in self._listeners[hook] if not plugins or listener.plugin in plugins]
        failures = [_told(listener, hook, facts) for listener in found]
        return tuple(failure for failure in failures if failure is not None)


def _known(what: str, name: Any, offers: Mapping[str, Offer]) -> Offer:
    if isinstance(name, str) and name in offers:
        return offers[name]
    near = get_close_matches(name, offers, 1) if isinstance(name, str) else []
    rule = "one of " + ", ".join(map(repr, offers)) + "".join(f", perhaps {found!r}" for found in near)
    raise refusal(what, rule, name)


def _told(listener: Listener, hook: str, facts: Mapping[str, object]) -> Failure | None:
    try:
        listener.function(*(facts[name] for name in listener.wanted))
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- the law: no plugin disturbs anybody else
        where = f"plugin {listener.plugin} raised in {hook}"
        _LOG.error("%s: %s\n%s", where, raised(error), where_raised(error))
        return Failure(plugin=listener.plugin, hook=hook, error=error)
    return None


def _refuse_unlike(port: type, value: object, named: str) -> None:
    """Refuse what lacks a method of its port; it may hold secrets, so only its type is shown."""
    if isinstance(value, type):
        raise PluginError(f"{named} must be an instance (got the class {value.__name__})")
    methods = [name for name, member in vars(port).items() if callable(member) and not name.startswith("_")]
    missing = [name for name in methods if not callable(getattr(value, name, None))]
    if missing:
        rule = f"an object with {', '.join(methods)}"
        raise PluginError(f"{named} must be {rule} (got a {type(value).__name__} without {', '.join(missing)})")
