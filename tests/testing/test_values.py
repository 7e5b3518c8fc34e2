"""Values that are drawn for tests: of every class, with each of their fields, and each can be written down."""

import json
from typing import get_args

import attrs
import pytest
from hypothesis import Phase, find, given, settings

from netpromoter.errors import InvalidArgument
from netpromoter.model import Case, Message, Record, from_dict, to_dict
from netpromoter.model._codec import _TYPES
from netpromoter.testing import values

CLASSES = get_args(Record)
FIELDS = [(kind, field) for kind in CLASSES for field in attrs.fields(kind) if "rendered" not in field.metadata]
GENERATED = settings(phases=[Phase.generate], database=None, derandomize=True)


def test_every_class_that_can_be_written_is_drawn():
    """None is missing of those that the codec knows."""
    assert set(CLASSES) == set(_TYPES.values())
    assert {type(find(values(kind), lambda _: True, settings=GENERATED)) for kind in CLASSES} == set(CLASSES)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_drawn_value_survives_being_written(kind):
    """Whatever is drawn is of its class, and is read from JSON as it was written."""

    @given(values(kind))
    def check(value):
        assert type(value) is kind
        assert from_dict(json.loads(json.dumps(to_dict(value)))) == value

    check()


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=[f"{kind.__name__}.{field.name}" for kind, field in FIELDS])
def test_each_field_is_drawn_in_more_than_one_way(kind, field):
    """None is left as it is by default."""
    usual = getattr(find(values(kind), lambda _: True, settings=GENERATED), field.name)
    find(values(kind), lambda value: getattr(value, field.name) != usual, settings=GENERATED)


def test_a_drawn_message_has_no_words_yet():
    """It is as a log holds it."""
    wordless = {"text": None, "html": None, "headers": {}}
    message = find(values(Message), lambda _: True, settings=GENERATED)
    assert {name: getattr(message, name) for name in wordless} == wordless


@pytest.mark.parametrize(
    ("kind", "shown"), [(int, "<class 'int'>"), (Case, "<class '"), ("Message", "'Message'"), ([], "[]")]
)
def test_what_is_no_class_of_the_model_is_refused(kind, shown):
    """The refusal names those that are."""
    with pytest.raises(InvalidArgument) as refused:
        values(kind)
    told = str(refused.value)
    assert told.startswith("kind must be a class of the model, one of Contact, Survey, Driver, ")
    assert f"(got {shown}" in told
