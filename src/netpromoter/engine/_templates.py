"""Templates of messages: looked up from the most particular to the most general, and filled in a sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from traceback import walk_tb
from typing import Any, NoReturn

import attrs

from netpromoter._checks import line, printable, refusal, require
from netpromoter.errors import InvalidArgument
from netpromoter.model import Message
from netpromoter.rules import Policy
from netpromoter.wording import closest

__all__ = ["Templates"]

_OURS = "netpromoter:"
_SUBJECT = "subject:"
_KINDS = (".html", ".txt", ".subject")
_SINGLE_BRACES = re.compile(r"(?<!\{)\{\s*\w+\s*\}(?!\})")
_VARIABLES = frozenset(
    {
        "answer_url",
        "arm",
        "direction",
        "kind",
        "locale",
        "name",
        "opening",
        "product",
        "question",
        "ratings",
        "snapshot",
        "step",
        "subject",
        "survey",
        "unsubscribe_url",
        "view_url",
        "words",
    }
)


def _source(value: Any) -> dict[str, str]:
    if isinstance(value, str | Path):
        return _folder(Path(value))
    if not isinstance(value, Mapping):
        raise refusal("source", "a folder, or a mapping of names to texts", value)
    for name, text in value.items():
        if not isinstance(name, str) or not isinstance(text, str) or not name.endswith(_KINDS) or ":" in name:
            raise refusal("source", f"a mapping of names that end in {', '.join(_KINDS)} to texts", name)
    return dict(value)


def _folder(path: Path) -> dict[str, str]:
    if not path.is_dir():
        raise refusal("source", "a folder that exists", str(path))
    files = sorted(each for each in path.rglob("*") if each.suffix in _KINDS)
    return {each.relative_to(path).as_posix(): each.read_text(encoding="utf-8") for each in files}


@attrs.frozen(repr=False)
class Templates:
    """The texts of messages, in Jinja.

    A text is two or three files: ``invitation.txt``, ``invitation.html`` if it is not plain text alone, and
    ``invitation.subject`` if it has a subject of its own. Survey, arm and locale may stand in the name. The first that
    exists is taken, from the most particular to the most general::

        relationship/invitation.bold.pt-BR      the survey, the arm and the language of the contact,
        relationship/invitation.bold.pt         its end dropped,
        relationship/invitation.bold            whatever the language,
        relationship/invitation.bold.en         at last English;
        relationship/invitation.pt-BR           the same for all arms,
        ...
        invitation.bold.pt-BR                   and for all surveys,
        ...
        netpromoter:invitation                  and what this package brings.

    Text and HTML come from one place, so that both say the same; a subject is looked up by itself. The case of the
    names does not matter.

    Templates run in a sandbox: they see the variables below and nothing else, reach no attribute that begins with an
    underscore, and read no file. HTML is escaped. A variable that does not exist is an error, and so is printing one
    that is None.

    Parameters
    ----------
    source : str, Path or mapping of str to str, optional
        A folder, of which the files that end in ``.txt``, ``.html`` or ``.subject`` are read once; or such names, with
        slashes, and their texts. What it lacks comes from this package.

    Raises
    ------
    InvalidArgument
        If there is no such folder, a template is no Jinja, or it names a variable or a template that does not exist;
        or if an HTML file that no other one uses has no text beside it.
    MissingDependency
        If Jinja2 is not installed.

    Notes
    -----
    The variables:

    - ``words``: what a survey says in the language, by the slots of `netpromoter.wording.SLOTS`, such as
      ``words.greeting``; ``question`` and ``opening`` are those that suit the kind of the survey and the step.
    - ``product``, and ``name``, by which the person is greeted: the kept attribute of this name, if it looks like one.
      Each may be None.
    - ``ratings``: eleven links, each with a ``rating`` and a ``url``; ``answer_url``, ``unsubscribe_url`` and
      ``view_url``.
    - ``survey``, ``kind``, ``step``, ``arm``: as in `netpromoter.model.Message`; ``snapshot``, its kept attributes.
    - ``locale`` and ``direction``, of the text; ``subject``, in text and HTML.

    Examples
    --------
    >>> templates = Templates({"invitation.fr.txt": "Bonjour ! {{ answer_url }}"})
    >>> templates.find("invitation", survey="relationship", locale="fr-CA")
    'invitation.fr'
    >>> templates.find("invitation", survey="relationship", locale="de")
    'netpromoter:invitation'
    """

    source: Mapping[str, str] = attrs.field(factory=dict, converter=_source, hash=False)
    _files: Mapping[str, str] = attrs.field(init=False, eq=False, hash=False)
    _names: Mapping[str, str] = attrs.field(init=False, eq=False, hash=False)
    _environment: Any = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        files = {**self.source, **_ours()}
        object.__setattr__(self, "_files", files)
        object.__setattr__(self, "_names", {name.lower(): name for name in files})
        object.__setattr__(self, "_environment", _environment(files))
        used = {each for name, text in self.source.items() for each in _checked(self._environment, name, text)}
        if lacking := sorted(used - files.keys()):
            raise refusal("source", "free of templates that do not exist", ", ".join(lacking))
        _check_pairs(self.source, used)

    def __repr__(self) -> str:
        return f"Templates({len(self.source):,} of one's own)"

    def find(self, template: str, *, survey: str, arm: str | None = None, locale: str | None = None) -> str:
        """Say which text is taken.

        Parameters
        ----------
        template, survey, arm, locale : str
            As in `netpromoter.model.Message`.

        Returns
        -------
        str
            The name of its files, without their ends.

        Raises
        ------
        InvalidArgument
            If there is none.
        """
        return self._found(template, survey, arm, locale)[0]

    def check(self, policy: Policy) -> None:
        """Refuse a policy whose variants or reminders name a template or a subject that would not work.

        Parameters
        ----------
        policy : Policy
            What messages are planned by.

        Raises
        ------
        InvalidArgument
            If there is no template of a name, or a subject is no Jinja or names a variable that does not exist.
        """
        arms = policy.variants.arms if policy.variants else ()
        named = ["invitation"] * (not arms) + [arm.template or "invitation" for arm in arms]
        for template in (*named, *(policy.reminders.templates if policy.reminders else ())):
            self.find(template, survey=policy.survey.key)
        for arm in arms:
            if arm.subject is not None:
                _checked(self._environment, _SUBJECT, arm.subject)

    def fill(self, message: Message, context: Mapping[str, Any]) -> tuple[str, str, str | None]:
        """Fill the templates of a message.

        Parameters
        ----------
        message : Message
            Its subject, if it has one, is a template too.
        context : mapping of str to object
            The variables. ``locale`` gives way to the language in the name of the text.

        Returns
        -------
        tuple of str, str, and str or None
            Subject, text and HTML. The subject is one line, and no control character is left anywhere.

        Raises
        ------
        InvalidArgument
            If there is no template, or one cannot be filled; the message shows nothing of the context.
        """
        stem, language = self._found(message.template, message.survey, message.arm, message.locale)
        known = {**context, "locale": language or context["locale"]}
        known["subject"] = line(self._filled(self._subject(message), known))
        html = self._names.get(f"{stem}.html".lower())
        return known["subject"], self._filled(f"{stem}.txt", known), self._filled(html, known) if html else None

    def _found(self, template: str, survey: str, arm: str | None, locale: str | None) -> tuple[str, str | None]:
        """Find the text, and the language that its name says."""
        for stem, language in _stems(template, survey, arm, locale):
            if found := self._names.get(f"{stem}.txt".lower()):
                return found.removesuffix(".txt"), language
        raise refusal("template", "one that there is, as a file of this name and .txt", template)

    def _subject(self, message: Message) -> str:
        """Find the subject: that of the message, or of the template, or of this package."""
        if message.subject is not None:
            return f"{_SUBJECT}{message.subject}"
        stems = (stem for stem, _ in _stems(message.template, message.survey, message.arm, message.locale))
        found = (self._names.get(f"{stem}.subject".lower()) for stem in stems)
        return next(filter(None, found), f"{_OURS}{'reminder' if message.step else 'invitation'}.subject")

    def _filled(self, name: str, context: Mapping[str, Any]) -> str:
        try:
            return printable(self._environment.get_template(name).render(context))
        except InvalidArgument:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever goes wrong in a template is to be mended there
            _blame(name, error)


def _stems(template: str, survey: str, arm: str | None, locale: str | None) -> Iterator[tuple[str, str | None]]:
    """Name the texts that would do, the most particular first, each with its language if its name says it."""
    for place in (f"{survey}/", ""):
        for variant in [f".{arm}", ""] if arm else [""]:
            for language in (*closest(locale), None, "en"):
                yield f"{place}{template}{variant}{'.' + language if language else ''}", language
    yield f"{_OURS}{template}", None


@cache
def _ours() -> dict[str, str]:
    return {f"{_OURS}{name}": text for name, text in _folder(Path(__file__).with_name("templates")).items()}


def _jinja(module: str) -> Any:
    return require(module, user="Templates", extra="program")


def _environment(files: Mapping[str, str]) -> Any:
    jinja2, sandbox = _jinja("jinja2"), _jinja("jinja2.sandbox")

    def load(name: str) -> tuple[str, str, None] | None:
        text = files.get(name)
        if text is None and name.startswith(_SUBJECT):
            text = name.removeprefix(_SUBJECT)
            _checked(environment, _SUBJECT, text)
        return None if text is None else (text, name, None)

    def printed(value: Any) -> Any:
        if value is None:
            raise jinja2.UndefinedError("a value that is printed is None")
        return value

    environment = sandbox.ImmutableSandboxedEnvironment(
        loader=jinja2.FunctionLoader(load),
        autoescape=lambda name: bool(name) and name.endswith(".html") and not name.startswith(_SUBJECT),
        undefined=jinja2.StrictUndefined,
        finalize=printed,
        auto_reload=False,
    )
    return environment


def _checked(environment: Any, name: str, text: str) -> set[str]:
    """Refuse a template that is no Jinja or names what does not exist; give the other templates that it uses."""
    jinja2, meta = _jinja("jinja2"), _jinja("jinja2.meta")
    try:
        tree = environment.parse(text)
        variables = meta.find_undeclared_variables(tree)  # refuses filters and tests that do not exist
    except jinja2.TemplateSyntaxError as error:
        raise refusal(f"line {error.lineno} of {_called(name)}", "Jinja", error.message) from None
    if beyond := variables - _VARIABLES - _declared(tree):
        raise refusal(_called(name), "free of variables that do not exist", ", ".join(sorted(beyond)))
    if name.endswith((_SUBJECT, ".subject")) and (found := _SINGLE_BRACES.search(text)):
        raise refusal(_called(name), "written with double braces, as in {{ product }}", found[0])
    return {used for used in meta.find_referenced_templates(tree) if used is not None}


def _declared(tree: Any) -> set[str]:
    """List what a template sets, imports or defines: Jinja does not know it again within a block."""
    nodes = _jinja("jinja2.nodes")
    names = {each.name for each in tree.find_all(nodes.Name) if each.ctx != "load"}
    names |= {each.name for each in tree.find_all(nodes.Macro)} | {each.target for each in tree.find_all(nodes.Import)}
    imported = [name for each in tree.find_all(nodes.FromImport) for name in each.names]
    return names | {name if isinstance(name, str) else name[1] for name in imported}


def _called(name: str) -> str:
    return "subject" if name.startswith(_SUBJECT) else f"template {name!r}"


def _check_pairs(files: Mapping[str, str], used: set[str]) -> None:
    for name in files:
        if name.endswith(".html") and name not in used and f"{name.removesuffix('.html')}.txt" not in files:
            raise refusal("source", "complete: a text must stand beside each HTML", name)


def _blame(name: str, error: Exception) -> NoReturn:
    """Say where a template went wrong; what is not Jinja's own complaint could show a value of the person."""
    jinja2 = _jinja("jinja2")
    places = [(frame.f_code.co_filename, number) for frame, number in walk_tb(error.__traceback__)]
    where, number = next((place for place in reversed(places) if place[0].endswith(_KINDS)), (name, 1))
    what = str(error) if isinstance(error, jinja2.TemplateError) else f"a {type(error).__name__}"
    raise refusal(f"line {number} of {_called(where)}", "such that it can be filled", what) from None
