"""When detractors are asked again."""

from datetime import timedelta

import pytest

from netpromoter.errors import InvalidArgument
from netpromoter.rules import Recovery

DAY = timedelta(days=1)


@pytest.mark.parametrize("name", ["after", "until"])
@pytest.mark.parametrize("wrong", [timedelta(0), -DAY, 21])
def test_a_span_is_above_zero(name, wrong):
    """Nobody is asked again at once, or before they were to be called."""
    with pytest.raises(InvalidArgument) as refused:
        Recovery(**{name: wrong})
    assert str(refused.value) == f"{name} must be a span above zero (got {wrong!r})"


@pytest.mark.parametrize("until", [20 * DAY, 21 * DAY])
def test_the_end_comes_after_the_beginning(until):
    """There is time to ask."""
    with pytest.raises(InvalidArgument) as refused:
        Recovery(until=until)
    assert str(refused.value) == f"until must be longer than after, 21 days, 0:00:00 (got {until!r})"


def test_the_recovery_of_a_survey_is_a_trigger():
    """It is due from the first span on, and until the second."""
    found = Recovery(after=2 * DAY, until=5 * DAY).trigger("nps")
    assert (found.touchpoint, found.delay, found.within) == ("recovery of nps", 2 * DAY, 3 * DAY)
