"""Settings of the whole suite."""

from hypothesis import settings

# The same examples in each run, so that a change is judged by itself; `nox -s search` looks for new ones.
settings.register_profile("netpromoter", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True, max_examples=500)
settings.load_profile("netpromoter")
