"""Settings of the whole suite."""

from hypothesis import HealthCheck, settings

# The same examples in each run, so that a change is judged by itself; `nox -s search` looks for new ones.
# How fast a machine makes examples is no law.
SETTINGS = {"deadline": None, "print_blob": True, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("netpromoter", derandomize=True, **SETTINGS)
settings.register_profile("search", max_examples=500, **SETTINGS)
settings.load_profile("netpromoter")
