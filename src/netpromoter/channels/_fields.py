"""The arguments of channels, checked in the house's words; secrets are refused without being shown."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from netpromoter._checks import checked, is_host, refusal
from netpromoter.errors import InvalidArgument
from netpromoter.model import span

__all__ = ["flag", "greeting", "host", "secret", "timeout", "trust"]


_WORD = re.compile(r"[!-~]+")


def _host(name: str, value: Any) -> None:
    if not isinstance(value, str) or not is_host(value):
        raise refusal(name, 'the name of a machine, such as "smtp.example.com", or its address', value)


def _greeting(name: str, value: Any) -> None:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise refusal(name, "one word of printable ASCII", value)


def _secret(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise InvalidArgument(f"{name} must be one line of text that is not blank (it is not shown)")


def _flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise refusal(name, "True or False", value)


def _timeout(name: str, value: Any) -> None:
    span(name, value, least=timedelta(milliseconds=1))


def _trust(name: str, value: Any) -> None:
    if not hasattr(value, "wrap_socket"):
        raise refusal(name, "an ssl.SSLContext", value)


host = checked(_host)
greeting = checked(_greeting)
secret = checked(_secret)
flag = checked(_flag)
timeout = checked(_timeout)
trust = checked(_trust)
