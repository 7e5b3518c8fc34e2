"""Digests to read, and pictures as matplotlib axes; the extra ``report`` brings matplotlib, at the first plot."""

from ._digest import Digest, digest
from ._plots import plot_breakdown, plot_score
from ._simulation_plots import plot_simulation

__all__ = ["Digest", "digest", "plot_breakdown", "plot_score", "plot_simulation"]
