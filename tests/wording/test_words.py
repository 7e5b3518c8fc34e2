"""What a survey says: every language complete, and the closest one found."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.wording import SLOTS, closest, languages, words
from netpromoter.wording import _words as reader

LOCALES = sorted(reader._shipped())
ENGLISH = (reader._shipped()["en"]).read_text(encoding="utf-8")
TEXTS = st.text(st.characters(codec=None), min_size=1, max_size=12)


def folder_of(tmp_path, **files):
    """Write files of languages, by their locales."""
    for locale, text in files.items():
        (tmp_path / f"{locale.replace('_', '-')}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def language(locale, *, direction="ltr"):
    """Give the English file under another name, so that it tells itself apart."""
    text = ENGLISH.replace('locale = "en"', f'locale = "{locale}"').replace('"ltr"', f'"{direction}"')
    return text.replace("Not at all likely", f"Not at all likely ({locale})")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_is_complete(locale):
    """Each file has every slot, one register, one direction, and a source for each phrase."""
    held = words(locale)
    assert held.locale.lower() == locale
    assert list(held.phrases) == list(SLOTS)
    assert held.register in {"formal", "informal", "neutral"}
    assert held.direction in {"ltr", "rtl"}
    assert all(phrase.source.strip() for phrase in held.phrases.values())


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("slot", SLOTS)
@given(TEXTS)
def test_a_phrase_says_what_it_is_given(locale, slot, value):
    """What a slot may name stands in its phrase as it is, braces and all; nothing else is ever in braces."""
    held = words(locale)
    full, bare = held.say(slot, product=value, name=value, minimum=value), held.say(slot)
    assert (value in full) or SLOTS[slot] is None
    assert not {"{", "}"} & set(bare)
    assert (full == bare) <= (SLOTS[slot] is None)


def test_braces_are_no_way_into_a_value():
    """A product that looks like a template is text."""
    assert "{product.__class__}" in words().say("question", product="{product.__class__}")


def test_what_is_not_a_slot_is_refused():
    """The message lists the slots."""
    with pytest.raises(InvalidArgument, match=r"^slot must be one of 'question', .* \(got 'queston'\)$"):
        words().say("queston")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("pt-BR", "pt-BR"),
        ("pt_br", "pt-BR"),
        ("PT-br.UTF-8", "pt-BR"),
        ("pt-BR-x-acme", "pt-BR"),
        ("-".join(["pt", "BR", *["x"] * 20_000]), "pt-BR"),
        ("pt-PT", "pt"),
        ("pt@latn", "pt"),
        ("fr", "en"),
        ("../../en", "en"),
        (" ", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_closest_language_is_found(tmp_path, asked, found):
    """The end of a locale is dropped until there is a file; at last it is English."""
    folder = folder_of(tmp_path, pt_BR=language("pt-BR"), pt=language("pt"))
    assert words(asked, folder=folder).locale == found
    assert words(asked, folder=str(folder)).asked == asked


def test_a_fallback_says_so():
    """Who asks for a language and gets another, or a wider one, can tell."""
    assert [words(each).is_fallback for each in ("en", "EN", None, "en-GB", "fr")] == [False, False, False, True, True]
    assert repr(words("fr")) == "Words('en', asked for 'fr', drafted)"
    assert repr(words("en")) == "Words('en', drafted)"


@given(st.none() | st.text(st.characters(codec=None), max_size=12))
def test_any_locale_has_words(locale):
    """Whatever a list of contacts has for a locale, there are words for it, and closer kinds come before wider."""
    assert words(locale).locale == "en"
    tags = closest(locale)
    assert all(longer.startswith(f"{shorter}-") for longer, shorter in pairwise(tags))
    assert len(closest("-".join(["ab"] * 20_000))) == 8


def test_a_file_of_ones_own_goes_first_and_is_read_again_when_it_changes(tmp_path):
    """A folder may replace English too, and a changed file counts at once."""
    folder = folder_of(tmp_path, en=ENGLISH.replace("Extremely likely", "Certainly"))
    assert words("en", folder=folder).say("highest") == "Certainly"
    assert words("en").say("highest") == "Extremely likely"
    folder_of(tmp_path, en=ENGLISH.replace("Extremely likely", "Most surely"))
    reader._read.cache_clear()  # file systems may count time coarsely
    assert words("en", folder=folder).say("highest") == "Most surely"


@pytest.mark.parametrize(
    ("drafted", "reviewed", "status"),
    [
        ("drafted", "reviewed", "drafted"),
        ("reviewed", "reviewed", "reviewed"),
        ("reviewed", "public-source", "public-source"),
    ],
)
def test_a_language_is_as_sure_as_its_least_sure_phrase(tmp_path, drafted, reviewed, status):
    """One drafted phrase makes the language a draft."""
    text = ENGLISH.replace('"drafted"\n', f'"{drafted}"\n').replace('"public-source"\n', f'"{reviewed}"\n')
    assert words("xx", folder=folder_of(tmp_path, xx=text.replace('"en"', '"xx"', 1))).status == status


BROKEN = {
    'locale = "xx"\n': ("", r"xx.toml must be complete: .* \(got 'no locale'\)"),
    '"en"': ('"yy"', r"locale of xx.toml must be the name of the file \(got 'yy'\)"),
    '"ltr"': ('"up"', r"direction of xx.toml must be one of 'ltr', 'rtl' \(got 'up'\)"),
    '"neutral"': ("7", r"register of xx.toml must be one of .* \(got 7\)"),
    "[lowest]": ("[lower]", r"xx.toml must be complete: it must have each of the slots \(got 'no lowest'\)"),
    "[question]": ("[extra]\n[question]", r"xx.toml must be free of slots that do not exist \(got 'extra'\)"),
    'text = "Not at all likely"\n': ("", r"lowest of xx.toml must be a table of text, status, source \(got "),
    'without = "Hello,"\n': ("", r"greeting of xx.toml must be a table of text, without, status, source \(got "),
    '"Hello,"': ('"Hello {name},"', r"without of greeting of xx.toml must be text without braces \(got "),
    "Hello {name},": (
        "Hello,",
        r"text of greeting of xx.toml must be text that names \{name\} and nothing else \(got ",
    ),
    "{name}": ("{product}", r"names \{name\} and nothing else"),
    " {name}": (" {name.x}", r"names \{name\} and nothing else"),
    "o {name},": ("o {name!r},", r"names \{name\} and nothing else"),
    "lo {name},": ("lo {name:9},", r"names \{name\} and nothing else"),
    "llo {name},": ("llo {name,", r"names \{name\} and nothing else"),
    '"Not at all likely"': ('" "', r"text of lowest of xx.toml must be one line of text that is not blank \(got ' '\)"),
    '"Extremely likely"': ('"a\\nb"', r"must be one line of text"),
    '"public-source"': ('"sure"', r"status of question of xx.toml must be one of 'reviewed', "),
    "direction": ("= direction", r"xx.toml must be TOML in UTF-8 \(got "),
}


@pytest.mark.parametrize("old", BROKEN)
def test_a_file_that_breaks_a_rule_is_refused(tmp_path, old):
    """The message names the file, the slot and the rule."""
    new, message = BROKEN[old]
    text = ENGLISH if old == '"en"' else ENGLISH.replace('"en"', '"xx"', 1)
    folder = folder_of(tmp_path, xx=text.replace(old, new))
    for read in (lambda: words("xx", folder=folder), lambda: languages(folder)):
        with pytest.raises(InvalidArgument, match=message):
            read()


def test_the_languages_are_those_that_there_are_files_for(tmp_path):
    """Those of this package and those of a folder, each once, and each as it is written in its file."""
    assert [each.lower() for each in languages()] == LOCALES
    folder = folder_of(tmp_path, pt_BR=language("pt-BR"), en=ENGLISH)
    assert languages(str(folder)) == ("en", "pt-BR")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    """Bytes that are no UTF-8 are named as such."""
    (tmp_path / "xx.toml").write_bytes(b"\xff")
    with pytest.raises(InvalidArgument, match=r"^xx.toml must be TOML in UTF-8 \(got "):
        words("xx", folder=tmp_path)


@pytest.mark.parametrize("folder", ["nonesuch", 7])
def test_a_folder_that_is_none_is_refused(folder):
    """The message shows it."""
    with pytest.raises(InvalidArgument, match=rf"^folder must be a folder that exists \(got {folder!r}\)$"):
        words("en", folder=folder)
    with pytest.raises(InvalidArgument, match=rf"^folder must be a folder that exists \(got {folder!r}\)$"):
        languages(folder)


def test_a_locale_that_is_no_text_is_refused():
    """The message shows it."""
    with pytest.raises(InvalidArgument, match=r"^locale must be text or None \(got 7\)$"):
        words(7)
