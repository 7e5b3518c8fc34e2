"""The hooks. The docstring of each is its contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pluggy

from netpromoter.model import Case, CaseAlerted, Message, Receipt, Response

from ._ports import Channel, Store

__all__ = ["hookimpl", "hookspec"]

hookspec = pluggy.HookspecMarker("netpromoter")

#: Marks a function or method of a plugin as the implementation of the hook that it is named after.
hookimpl = pluggy.HookimplMarker("netpromoter")


@hookspec
def netpromoter_register_channels() -> Mapping[str, Callable[..., Channel]]:
    """Offer channels.

    Called once by each `load_plugins`, before any channel is made. No channel, store or program exists yet that knows
    of the plugin, and plugins are asked one at a time: none sees what another offers.

    Returns
    -------
    mapping of str to callable
        The name of each channel and its factory: what is called with the options of `Plugins.channel`, as keywords, and
        gives a `Channel`. A class will do. It is called once for each worker, and imports what is large only then. A
        name that another plugin offers too is refused.

    Raises
    ------
    PluginError
        From `load_plugins`, if the hook raises or returns anything else; the error of the hook is its cause.

    Notes
    -----
    .. versionadded:: 0.1

    Examples
    --------
    >>> from netpromoter.channels import OutboxChannel
    >>> class Office:
    ...     @hookimpl
    ...     def netpromoter_register_channels(self):
    ...         return {"tray": OutboxChannel}
    """
    return {}


@hookspec
def netpromoter_register_stores() -> Mapping[str, Callable[..., Store]]:
    """Offer stores.

    Called once by each `load_plugins`, before any store is opened, one plugin at a time.

    Returns
    -------
    mapping of str to callable
        The scheme of a URL, in lower case and without the colon, and its factory: what is called with the whole URL,
        and the options of `open_store` as keywords, and gives a `Store`. It imports what is large only then. A scheme
        that another plugin offers too is refused.

    Raises
    ------
    PluginError
        From `load_plugins`, if the hook raises or returns anything else; the error of the hook is its cause.

    Notes
    -----
    A URL may hold a password. `open_store` takes it out of what a factory raises; what a store logs, and its `repr`,
    are the store's to keep clean.

    .. versionadded:: 0.1

    Examples
    --------
    >>> class Warehouse:
    ...     @hookimpl
    ...     def netpromoter_register_stores(self):
    ...         return {"warehouse": lambda url, *, region="eu": ...}
    """
    return {}


@hookspec
def netpromoter_message_sent(message: Message, receipt: Receipt) -> None:
    """Be told that a channel took a message.

    Called after the fact, by `Program.tell`, which reads the log, and not by the worker that sends: nothing that
    happens here can disturb sending. That the message was sent is durable in the store. Messages are told in the
    order of the log, each at least once: after a power cut one may be told again, and is known by its id.

    Parameters
    ----------
    message : Message
        What was sent, as the log has it: without its words and headers, which are never stored.
    receipt : Receipt
        What the channel said: accepted, with the reference by which the channel knows the message.

    Returns
    -------
    None
        Whatever is returned is not looked at.

    Raises
    ------
    Exception
        Is logged with the name of the plugin, and hinders no other plugin. `Program.tell` tells this plugin the same
        message the next time, and nothing that is later in the log before.

    Notes
    -----
    .. versionadded:: 0.1

    Examples
    --------
    >>> class Meter:
    ...     sent = 0
    ...
    ...     @hookimpl
    ...     def netpromoter_message_sent(self, message):
    ...         self.sent += 1
    """


@hookspec
def netpromoter_response_received(response: Response) -> None:
    """Be told that somebody answered.

    Called after the fact, by `Program.tell`, which reads the log, and not while the person waits: nothing that happens
    here can lose an answer. The answer is durable in the store. Answers are told in the order of the log, each at least
    once: after a power cut one may be told again, and is known by its id. A revised answer is an answer with a higher
    ordinal.

    Parameters
    ----------
    response : Response
        The answer, with its comment and the snapshot of the person.

    Returns
    -------
    None
        Whatever is returned is not looked at.

    Raises
    ------
    Exception
        Is logged with the name of the plugin, and hinders no other plugin. `Program.tell` tells this plugin the same
        answer the next time, and nothing that is later in the log before.

    Notes
    -----
    .. versionadded:: 0.1

    Examples
    --------
    >>> class Bell:
    ...     @hookimpl
    ...     def netpromoter_response_received(self, response):
    ...         if response.rating <= 6:
    ...             print("somebody is unhappy")
    """


@hookspec
def netpromoter_case_opened(case: Case) -> None:
    """Be told that somebody is to be called.

    Called after the fact, by `Program.tell`, which reads the log. It is durable in the store. Facts are told in the
    order of the log, each at least once: after a power cut one may be told again.

    Parameters
    ----------
    case : Case
        As it stood at that point of the log; its id is the same every time.

    Returns
    -------
    None
        Whatever is returned is not looked at.

    Raises
    ------
    Exception
        Is logged with the name of the plugin, and hinders no other plugin. `Program.tell` tells this plugin the same
        fact the next time, and nothing that is later in the log before.

    Notes
    -----
    .. versionadded:: 0.1

    Examples
    --------
    >>> class Desk:
    ...     @hookimpl
    ...     def netpromoter_case_opened(self, case):
    ...         print(case.owner, "is to call", case.contact)
    """


@hookspec
def netpromoter_case_due(case: Case, alert: CaseAlerted) -> None:
    """Be told that a promise is due soon and not kept yet.

    Called after the fact, by `Program.tell`, which reads the log. It is durable in the store. Facts are told in the
    order of the log, each at least once: after a power cut one may be told again. `Program.tell` finds it out by the
    instant that it is given, once for each promise of a case, and never of a case that is closed.

    Parameters
    ----------
    case : Case
        As it stood at that point of the log; its id is the same every time.
    alert : CaseAlerted
        Which promise, and since when.

    Returns
    -------
    None
        Whatever is returned is not looked at.

    Raises
    ------
    Exception
        Is logged with the name of the plugin, and hinders no other plugin. `Program.tell` tells this plugin the same
        fact the next time, and nothing that is later in the log before.

    Notes
    -----
    .. versionadded:: 0.1

    Examples
    --------
    >>> class Desk:
    ...     @hookimpl
    ...     def netpromoter_case_due(self, case):
    ...         print(case.owner, "is late soon for", case.contact)
    """


@hookspec
def netpromoter_case_overdue(case: Case, alert: CaseAlerted) -> None:
    """Be told that a promise was not kept in time.

    Called after the fact, by `Program.tell`, which reads the log. It is durable in the store. Facts are told in the
    order of the log, each at least once: after a power cut one may be told again. `Program.tell` finds it out by the
    instant that it is given, once for each promise of a case, and never of a case that is closed.

    Parameters
    ----------
    case : Case
        As it stood at that point of the log; its id is the same every time.
    alert : CaseAlerted
        Which promise, and since when.

    Returns
    -------
    None
        Whatever is returned is not looked at.

    Raises
    ------
    Exception
        Is logged with the name of the plugin, and hinders no other plugin. `Program.tell` tells this plugin the same
        fact the next time, and nothing that is later in the log before.

    Notes
    -----
    .. versionadded:: 0.1

    Examples
    --------
    >>> class Desk:
    ...     @hookimpl
    ...     def netpromoter_case_overdue(self, case):
    ...         print(case.owner, "is late for", case.contact)
    """


@hookspec
def netpromoter_case_escalated(case: Case, alert: CaseAlerted) -> None:
    """Be told that a promise was broken for so long that somebody else must know.

    Called after the fact, by `Program.tell`, which reads the log. It is durable in the store. Facts are told in the
    order of the log, each at least once: after a power cut one may be told again. `Program.tell`
    finds it out by the instant that it is given, once for each promise of a case, and never of a case that is closed.

    Parameters
    ----------
    case : Case
        As it stood at that point of the log; its id is the same every time.
    alert : CaseAlerted
        Which promise, and since when.

    Returns
    -------
    None
        Whatever is returned is not looked at.

    Raises
    ------
    Exception
        Is logged with the name of the plugin, and hinders no other plugin. `Program.tell` tells this plugin the same
        fact the next time, and nothing that is later in the log before.

    Notes
    -----
    .. versionadded:: 0.1

    Examples
    --------
    >>> class Desk:
    ...     @hookimpl
    ...     def netpromoter_case_escalated(self, case):
    ...         print(case.owner, "needs help with", case.contact)
    """


@hookspec
def netpromoter_case_closed(case: Case) -> None:
    """Be told that a case was closed.

    Called after the fact, by `Program.tell`, which reads the log. It is durable in the store. Facts are told in the
    order of the log, each at least once: after a power cut one may be told again. A case that was reopened and is
    closed again is told again.

    Parameters
    ----------
    case : Case
        As it stood at that point of the log; its id is the same every time.

    Returns
    -------
    None
        Whatever is returned is not looked at.

    Raises
    ------
    Exception
        Is logged with the name of the plugin, and hinders no other plugin. `Program.tell` tells this plugin the same
        fact the next time, and nothing that is later in the log before.

    Notes
    -----
    .. versionadded:: 0.1

    Examples
    --------
    >>> class Desk:
    ...     @hookimpl
    ...     def netpromoter_case_closed(self, case):
    ...         print(case.owner, "is done with", case.contact)
    """
