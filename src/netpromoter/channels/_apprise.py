"""Messages through Apprise, which knows more than a hundred services."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any
from urllib.parse import quote

import attrs

from netpromoter._checks import checked, require
from netpromoter.errors import InvalidArgument, Uncertain
from netpromoter.model import Message, Receipt

from ._refused import Refused

__all__ = ["AppriseChannel"]

_PLACE = "{to}"
_HALVES = re.compile("[\ud800-\udfff]")
# what writes addresses into the log: Apprise itself, and what it mostly posts with
_LOGGERS = ("apprise", "urllib3.connectionpool")


def _template(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value.isprintable() or "://" not in value or _PLACE not in value:
        rule = 'must be like "twilio://sid:token@from/{to}", where {to} stands for the address'
        raise InvalidArgument(f"{name} {rule} (it is not shown)")


@attrs.frozen
class AppriseChannel:
    """Sends text by a service that Apprise knows: chats, texts to telephones, push messages.

    Needs ``netpromoter[apprise]``. A message with HTML alone is refused, and one that is longer than the service
    takes; where there is text and HTML, the text is sent, which says the same. Headers are for mail and are not sent.
    What Apprise fails to send is uncertain: it does not say why, nor whether the service has the message.

    Parameters
    ----------
    url : str
        As Apprise has it, with ``{to}`` for the address of each message. Never shown.

    Raises
    ------
    InvalidArgument
        If the URL is none, or has no place for the address: every message would go to one place.

    Examples
    --------
    >>> AppriseChannel("twilio://sid:token@15550100/{to}")
    AppriseChannel()
    """

    url: str = attrs.field(repr=False, validator=checked(_template))

    def send(self, message: Message, /) -> Receipt:
        """Send one message.

        Parameters
        ----------
        message : Message
            With text.

        Returns
        -------
        Receipt
            Without a reference: Apprise gives none.

        Raises
        ------
        Uncertain
            If Apprise says that it failed: it does not say whether the service has the message.
        MissingDependency
            If Apprise is not installed.
        """
        try:
            self._send(message)
        except Refused as refused:
            return refused.receipt(message)
        return Receipt.sent(message)

    def _send(self, message: Message) -> None:
        apprise: Any = require("apprise", user="AppriseChannel", extra="apprise")
        if message.text is None:
            raise Refused("the message has no text")
        if _HALVES.search(f"{message.to}{message.subject}{message.text}"):
            raise Refused("address, subject and text must hold no lone surrogate")
        with _quiet():
            service = apprise.Apprise.instantiate(self.url.replace(_PLACE, quote(message.to, safe="")))
            if service is None:
                raise Refused("Apprise does not know the service, or the service not the address")
            if len(service) != 1:
                raise Refused("the address must be that of one recipient")
            _fits(service, message)
            done = service.notify(body=message.text, title=message.subject or "", body_format=apprise.NotifyFormat.TEXT)
        if not done:
            raise Uncertain("Apprise failed, and does not say whether the service has the message")


def _fits(service: Any, message: Message) -> None:
    """Refuse what the service would cut."""
    title = len(message.subject or "")
    if service.title_maxlen and title > service.title_maxlen:
        raise Refused(f"the subject must be of at most {service.title_maxlen} characters for this service")
    # without room for a title, it goes into the body
    size = len(message.text or "") + (0 if service.title_maxlen or not title else title + 2)
    if size > service.body_maxlen:
        raise Refused(f"the text must be of at most {service.body_maxlen} characters for this service")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep addresses out of the log, in this thread alone."""
    loggers, thread = [logging.getLogger(name) for name in _LOGGERS], get_ident()

    def others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    for logger in loggers:
        logger.addFilter(others)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(others)
