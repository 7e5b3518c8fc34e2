"""Random histories, 3 * 10^5 steps on each database: `pytest tests/stores/long_histories.py`; nothing else runs it.

They are the same each time, unless it is told ``--hypothesis-profile=search``.
"""

import pytest
from hypothesis import settings

from netpromoter.stores import SqlStore
from netpromoter.testing import StoreContract


class Long(StoreContract):
    """The comparison alone, at length."""

    examples, steps, derandomize = 2_000, 50, settings.default.derandomize


@pytest.fixture(params=["sqlite://", "sqlite", "postgresql"])
def place(request):
    """Give the URL of an empty database, of each kind."""
    return request.param if "/" in request.param else request.getfixturevalue(request.param)


def test_random_histories_are_those_of_the_memory_store(place):
    """In 3 * 10^5 random steps a database never gives anything but what the memory store gives."""
    store = SqlStore(place)
    Long().test_it_does_what_the_memory_store_does(store)
    store.close()
