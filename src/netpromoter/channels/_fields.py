"""The arguments of channels, checked in the house's words; secrets are refused without being shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

import attrs

from netpromoter._checks import refusal
from netpromoter.errors import InvalidArgument
from netpromoter.model import span

__all__ = ["Validator", "checked", "flag", "maybe", "one_line", "secret", "timeout", "trust"]

Validator: TypeAlias = "Callable[[object, attrs.Attribute[Any], Any], None]"


def checked(check: Callable[[str, Any], object]) -> Validator:
    """Make a validator of a check that is given the name of a field and its value."""

    def validator(_: object, field: attrs.Attribute[Any], value: Any) -> None:
        check(field.name, value)

    return validator


def maybe(validator: Validator) -> Validator:
    """Let None pass."""
    return attrs.validators.optional(validator)


def _one_line(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise refusal(name, "one line of text that is not blank", value)


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


one_line = checked(_one_line)
secret = checked(_secret)
flag = checked(_flag)
timeout = checked(_timeout)
trust = checked(_trust)
