"""Settings of the whole suite."""

from hypothesis import settings

settings.register_profile("netpromoter", deadline=None, print_blob=True)
settings.load_profile("netpromoter")
