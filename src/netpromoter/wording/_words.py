"""What a survey says in one language, read from a data file that is checked slot by slot."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

import attrs

from netpromoter._checks import one_of, refusal

__all__ = ["SLOTS", "Phrase", "Status", "Words", "closest", "languages", "words"]

#: Where a phrase stands: seen by a native speaker who vouches for it, taken from a public source, or drafted. The
#: surest comes first.
Status: TypeAlias = Literal["reviewed", "public-source", "drafted"]
Direction: TypeAlias = Literal["ltr", "rtl"]
Register: TypeAlias = Literal["formal", "informal", "neutral"]

#: What every language says, and what each phrase may name: that which is in braces in its text.
SLOTS: Mapping[str, str | None] = MappingProxyType(
    {
        "question": "product",
        "question_employee": "product",
        "lowest": None,
        "highest": None,
        "anonymity": "minimum",
        "reason": None,
        "reason_employee": None,
        "reason_promoter": "product",
        "reason_passive": None,
        "reason_detractor": None,
        "subject": "product",
        "subject_reminder": "product",
        "greeting": "name",
        "invitation": None,
        "reminder": None,
        "reminder_later": None,
        "instruction": None,
        "unsubscribe": None,
        "thanks": None,
        "unsubscribed": None,
        "expired": None,
    }
)

_LAST = "en"
#: How many parts of the name of a language are looked at.
_PARTS = 8
_KEYS = {"locale": str, "name": str, "direction": Direction, "register": Register}
_PHRASE = {"text": str, "without": str, "status": Status, "source": str}


@attrs.frozen(kw_only=True)
class Phrase:
    """One thing that is said.

    Parameters
    ----------
    text : str
        The words; what the slot may name stands in braces.
    without : str, optional
        The words where that is not known; None if the text names nothing.
    status : {"reviewed", "public-source", "drafted"}
        Where the words stand.
    source : str
        Where they are from.

    Examples
    --------
    >>> words("en").phrases["lowest"].text
    'Not at all likely'
    """

    text: str
    without: str | None = None
    status: Status
    source: str


@attrs.frozen(kw_only=True, repr=False)
class Words:
    """What a survey says in one language.

    Parameters
    ----------
    locale : str
        The language, such as ``"pt-BR"``.
    asked : str, optional
        The language that was asked for; None if none was.
    name : str
        What the language calls itself.
    direction : {"ltr", "rtl"}
        Which way it is written.
    register : {"formal", "informal", "neutral"}
        How it addresses people: all phrases in one way. Neutral where the language does not tell.
    phrases : mapping of str to Phrase
        What it says, by slot: all of `SLOTS`.

    Examples
    --------
    >>> english = words("en-GB")
    >>> english
    Words('en', asked for 'en-GB', drafted)
    >>> english.say("question", product="Acme")
    'How likely are you to recommend Acme to a friend or colleague?'
    >>> english.say("question")
    'How likely are you to recommend us to a friend or colleague?'
    """

    locale: str
    asked: str | None = None
    name: str
    direction: Direction
    register: Register
    phrases: Mapping[str, Phrase] = attrs.field(hash=False)

    @property
    def status(self) -> Status:
        """Where the words stand: the status of the least sure phrase."""
        return max((phrase.status for phrase in self.phrases.values()), key=get_args(Status).index)

    @property
    def is_fallback(self) -> bool:
        """Whether another language was asked for, or a closer kind of this one."""
        return self.asked is not None and _tag(self.asked) != self.locale.lower()

    def say(self, slot: str, *, product: str | None = None, name: str | None = None, minimum: int | None = None) -> str:
        """Fill one phrase.

        Parameters
        ----------
        slot : str
            One of `SLOTS`.
        product, name : str, optional
            What the phrase may name: what is asked about, and who is asked. None if it is not known.
        minimum : int, optional
            How many answers of employees a group must have to be shown.

        Returns
        -------
        str
            The phrase; what is filled in stands there as it is, whatever it contains.

        Raises
        ------
        InvalidArgument
            If there is no such slot.

        Examples
        --------
        >>> words("en").say("greeting", name="Ann")
        'Hello Ann,'
        """
        phrase, named = self.phrases[one_of("slot", slot, SLOTS)], SLOTS[slot]
        value = {"product": product, "name": name, "minimum": minimum}.get(named or "")
        if phrase.without is not None and value is None:
            return phrase.without.format()
        return phrase.text.format(**{str(named): value})

    def __repr__(self) -> str:
        asked = f", asked for {self.asked!r}" if self.is_fallback else ""
        return f"Words({self.locale!r}{asked}, {self.status})"


def words(locale: str | None = None, *, folder: str | Path | None = None) -> Words:
    """Find what a survey says in a language.

    Parameters
    ----------
    locale : str, optional
        The language, such as ``"pt-BR"``, in any case and with hyphens or underscores. Where there is no file for it,
        its end is dropped until there is one: ``pt-BR``, ``pt``, and at last English, as for None.
    folder : str or Path, optional
        Where more languages are: files as ``pt-BR.toml``, which go before those of this package.

    Returns
    -------
    Words
        In the language that was found, which says so where it is not the one that was asked for.

    Raises
    ------
    InvalidArgument
        If a file breaks a rule of its slots; the message names the file and the slot.

    Examples
    --------
    >>> words("en").is_fallback, words("tlh-001").is_fallback
    (False, True)
    """
    if not isinstance(locale, str | None):
        raise refusal("locale", "text or None", locale)
    files = _files(folder)
    path = next(files[tag] for tag in (*closest(locale), _LAST) if tag in files)
    return attrs.evolve(_read(path, path.stat().st_mtime_ns), asked=locale)


def languages(folder: str | Path | None = None) -> tuple[str, ...]:
    """List the languages that there are words in.

    Every file is read, so that one that breaks a rule is known of before somebody is written to in its language.

    Parameters
    ----------
    folder : str or Path, optional
        Where more languages are, as for `words`.

    Returns
    -------
    tuple of str
        In alphabetical order.

    Raises
    ------
    InvalidArgument
        If there is no such folder, or a file breaks a rule of its slots; the message names the file and the slot.

    Examples
    --------
    >>> languages()
    ('en',)
    """
    return tuple(sorted(_read(path, path.stat().st_mtime_ns).locale for path in _files(folder).values()))


def closest(locale: str | None) -> tuple[str, ...]:
    """Name the languages that may stand in for one.

    Parameters
    ----------
    locale : str, optional
        The language, as for `words`.

    Returns
    -------
    tuple of str
        The language itself and what is left when its end is dropped, in lower case; nothing for None. Of a name of
        more than eight parts, the first eight.

    Examples
    --------
    >>> closest("zh_Hant_TW")
    ('zh-hant-tw', 'zh-hant', 'zh')
    """
    parts = _tag(locale or "").split("-", _PARTS)[:_PARTS]
    return tuple("-".join(parts[:size]) for size in range(len(parts), 0, -1) if parts[0])


def _tag(locale: str) -> str:
    """Write a locale as BCP 47 does, but in lower case; what POSIX adds of encodings is dropped."""
    return locale.partition(".")[0].partition("@")[0].strip().replace("_", "-").lower()


def _files(folder: str | Path | None) -> dict[str, Path]:
    return _shipped() if folder is None else _shipped() | _listed(_folder(folder))


@cache
def _shipped() -> dict[str, Path]:
    return _listed(Path(__file__).parent)


def _listed(folder: Path) -> dict[str, Path]:
    return {path.stem.lower(): path for path in sorted(folder.glob("*.toml"))}


def _folder(value: Any) -> Path:
    path = Path(value) if isinstance(value, str | Path) else None
    if path is None or not path.is_dir():
        raise refusal("folder", "a folder that exists", value)
    return path


@lru_cache(maxsize=256)
def _read(path: Path, changed: int) -> Words:  # noqa: ARG001 -- a file that was changed is read anew
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise refusal(path.name, "TOML in UTF-8", str(error)) from None
    return _words(path, held)


def _words(path: Path, held: dict[str, Any]) -> Words:
    if lacking := [slot for slot in (*_KEYS, *SLOTS) if slot not in held]:
        raise refusal(path.name, "complete: it must have each of the slots", f"no {', '.join(lacking)}")
    if beyond := [slot for slot in held if slot not in (*_KEYS, *SLOTS)]:
        raise refusal(path.name, "free of slots that do not exist", ", ".join(beyond))
    head = {key: _of(f"{key} of {path.name}", held[key], kind) for key, kind in _KEYS.items()}
    if head["locale"] != path.stem:
        raise refusal(f"locale of {path.name}", "the name of the file", head["locale"])
    return Words(**head, phrases={slot: _phrase(f"{slot} of {path.name}", held[slot], slot) for slot in SLOTS})


def _phrase(name: str, value: Any, slot: str) -> Phrase:
    named = SLOTS[slot]
    keys = set(_PHRASE) if named else set(_PHRASE) - {"without"}
    if not isinstance(value, dict) or set(value) != keys:
        raise refusal(name, "a table of " + ", ".join(key for key in _PHRASE if key in keys), value)
    parts = {key: _of(f"{key} of {name}", held, _PHRASE[key]) for key, held in value.items()}
    _check_names(f"text of {name}", parts["text"], {named} if named else set())
    _check_names(f"without of {name}", parts.get("without", ""), set())
    return Phrase(**parts)


def _of(name: str, value: Any, kind: Any) -> Any:
    if kind is not str:
        return one_of(name, value, get_args(kind))
    if not isinstance(value, str) or not value.strip() or len(value.splitlines()) > 1:
        raise refusal(name, "one line of text that is not blank", value)
    return value


def _check_names(name: str, text: str, names: set[str]) -> None:
    """Hold a phrase to its names, as plain as they are: ``{product.__class__}`` is none."""
    try:
        found = {part[1:] for part in Formatter().parse(text) if part[1] is not None}
    except ValueError:
        found = {("an unbalanced brace", "", None)}
    if found != {(each, "", None) for each in names}:
        rule = f"text that names {{{', '.join(names)}}} and nothing else" if names else "text without braces"
        raise refusal(name, rule, text)
