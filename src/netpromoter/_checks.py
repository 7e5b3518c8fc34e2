"""The words of every refusal, ``<name> must be <what> (got <value>)``, and what may be shown of words of others."""

from __future__ import annotations

import importlib
import math
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Collection, Iterable
from numbers import Integral, Real
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, TypeVar

from .errors import InvalidArgument, MissingDependency, MissingRatings, NoRatings

__all__ = [
    "Validator",
    "between",
    "check_contact",
    "check_name",
    "checked",
    "count",
    "harmless",
    "hash_key",
    "is_host",
    "is_number",
    "line",
    "nobody",
    "one_of",
    "printable",
    "raised",
    "refusal",
    "refuse_missing",
    "require",
    "shown",
    "spoken",
    "texts",
    "warn",
    "where_raised",
]

if TYPE_CHECKING:
    import attrs

Named = TypeVar("Named", bound=str)
Validator: TypeAlias = "Callable[[object, attrs.Attribute[Any], Any], None]"

_LONGEST_KEY = 64
_HALVES = re.compile("[\ud800-\udfff]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_SPACES = re.compile(r"\s+")
_ADDRESS = re.compile(r"[^\s<>@:;,\"'()]+@[^\s<>@:;,\"'()]+")
_LONGEST = 200
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
# A last label of digits alone is the end of an address, and not of a name.
_HOST = re.compile(rf"(?:{_LABEL}\.)*(?!\d+\.?$){_LABEL}\.?")
_LONGEST_HOST = 254


def refusal(name: str, rule: str, value: object) -> InvalidArgument:
    """Word the refusal of an argument."""
    return InvalidArgument(f"{name} must be {rule} (got {shown(value)})")


def one_of(name: str, value: Any, options: Collection[Named]) -> Named:
    """Return `value` if it is one of the named options."""
    for option in options:
        if isinstance(value, str) and value == option:
            return option
    raise refusal(name, "one of " + ", ".join(map(repr, options)), value)


def between(name: str, value: Any, low: float, high: float) -> float:
    """Return `value` as a float if it lies strictly between `low` and `high`."""
    if is_number(value) and low < value < high and low < float(value) < high:
        return float(value)
    raise refusal(name, f"a number strictly between {low:g} and {high:g}", value)


def count(name: str, value: Any, *, least: int = 0) -> int:
    """Return `value` as an int if it is a whole number of at least `least`."""
    if type(value) is int and value >= least:
        return value
    number: Any = value
    if is_number(value):
        whole = isinstance(number, Integral) or (math.isfinite(number) and number == math.floor(number))
        if whole and number >= least:
            return int(number)
    raise refusal(name, f"a whole number of at least {least}", value)


def is_number(value: object) -> TypeGuard[float]:
    """Say whether a value is a real number: a flag is none, nor is a span of numpy, which calls itself an integer."""
    return isinstance(value, Real) and type(value).__name__ not in {"bool", "timedelta64"}


def checked(check: Callable[[str, Any], object]) -> Validator:
    """Make a validator of a field, as attrs calls it, of a check that is given a name and a value."""

    def validator(_: object, field: attrs.Attribute[Any], value: Any) -> None:
        check(field.name, value)

    return validator


def require(module: str, *, user: str, extra: str) -> ModuleType:
    """Import an optional module, or say which extra brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        message = f"{user} needs {package}: install netpromoter[{extra}]"
        raise MissingDependency(message) from error


def shown(value: Any, limit: int = 80) -> str:
    """Show a value in a message, cut where it is longer than `limit` characters."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 -- a value that cannot show itself must not hide what is wrong with it
        text = f"a {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def warn(message: str, category: type[Warning]) -> None:
    """Warn, pointing at the line outside this package that made the call."""
    depth = 2
    frame = sys._getframe(1)  # noqa: SLF001 -- the standard way to find the caller before Python 3.12
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame = frame.f_back
        depth += 1
    warnings.warn(message, category, stacklevel=depth)


def refuse_missing(absent: int, size: int, policy: str, first: Callable[[], int] | None) -> None:
    """Refuse a column without answers, and one with missing answers unless `policy` is "drop"."""
    if absent == size:
        raise nobody(absent)
    if absent and policy == "refuse":
        where = f", the first at position {first():,}" if first else ""
        message = f'ratings must not be missing unless missing="drop" (got {absent:,} missing of {size:,}{where})'
        raise MissingRatings(message)


def nobody(missing: int) -> NoRatings:
    """Word the refusal of a column without answers."""
    return NoRatings(f"ratings must hold at least one answer (got none, and {missing:,} missing)")


def is_host(text: str) -> bool:
    """Say whether a text can name a machine: an address, or a name that the name service could know."""
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        pass
    else:
        return True
    try:
        known = text.encode("idna").decode() if len(text) <= _LONGEST_HOST else ""
    except UnicodeError:
        return False
    return len(known) <= _LONGEST_HOST and _HOST.fullmatch(known) is not None


def hash_key(value: Any) -> bytes:
    """Return the secret of a keyed hash, or refuse what can be none without showing it."""
    if isinstance(value, bytes) and len(value) <= _LONGEST_KEY:
        return value
    got = f"{len(value)} of them" if isinstance(value, bytes) else f"a value of type {type(value).__name__}"
    raise InvalidArgument(f"key must be bytes, {_LONGEST_KEY} at most (got {got})")


# -- what others wrote -------------------------------------------------------------------------------------------------


def printable(text: str) -> str:
    """Replace what is no character of a text: controls but for tabs and line breaks, and lone surrogates."""
    if text.replace("\n", "").isprintable():  # most are, which is told fastest
        return text
    return _HALVES.sub("\ufffd", _CONTROLS.sub(" ", text))


def texts(name: str, values: Any) -> list[str]:
    """Return several texts, or refuse what is none; one text is not several."""
    given = [values] if isinstance(values, str) or not isinstance(values, Iterable) else list(values)
    wrong = [each for each in given if not isinstance(each, str)]
    if wrong or isinstance(values, str):
        raise refusal(name, "several texts", wrong[0] if wrong else values)
    return given


def check_contact(contact: Any) -> str:
    """Return the id of a contact if it can be one."""
    if isinstance(contact, str) and contact.strip():
        return contact
    raise refusal("contact", "text that is not blank", contact)


def check_name(name: Any) -> str:
    """Return what somebody is called, or refuse what is no text."""
    if isinstance(name, str):
        return name
    raise refusal("name", "text", name)


def line(text: str) -> str:
    """Make a text one line that is printable: a subject with a line break would end the head of the mail."""
    return " ".join(printable(text).split())


def harmless(text: str, keep: str = "") -> str:
    """Escape what could steer a terminal: control characters, bidirectional controls, lone surrogates."""
    return "".join(sign if sign.isprintable() or sign in keep else _visible(sign) for sign in text)


def _visible(sign: str) -> str:
    return " " if sign.isspace() and sign > "\x80" else sign.encode("unicode_escape").decode()


def spoken(answer: bytes | str, *, address: str = "") -> str:
    """Give what somebody else said in one short line, for a log: without mail addresses, and without `address`."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    if address:
        text = text.replace(address, "(address)")
    said = harmless(_SPACES.sub(" ", _ADDRESS.sub("(address)", text[: 10 * _LONGEST])).strip())
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"


def raised(problem: BaseException, *, address: str = "") -> str:
    """Say in one line what was raised, without addresses: a report or a log keeps it."""
    try:
        words = str(problem)
    except Exception:  # noqa: BLE001 -- an exception is any code
        words = "(its words raise)"
    return f"{type(problem).__name__}: {spoken(words, address=address)}"


def where_raised(problem: BaseException) -> str:
    """Give the lines of code that led to an exception; a whole traceback would hold its words too."""
    return "".join(traceback.format_tb(problem.__traceback__))
