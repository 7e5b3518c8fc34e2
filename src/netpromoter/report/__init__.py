"""Pictures of scores, as matplotlib axes; the extra ``report`` brings matplotlib, which loads at the first plot."""

from ._plots import plot_breakdown, plot_score
from ._simulation_plots import plot_simulation

__all__ = ["plot_breakdown", "plot_score", "plot_simulation"]
