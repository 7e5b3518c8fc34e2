"""Digests and pages to read, and pictures as matplotlib axes; the extra ``report`` brings matplotlib when one plots."""

from ._digest import Digest, digest
from ._page import page
from ._plots import plot_breakdown, plot_score
from ._simulation_plots import plot_simulation

__all__ = ["Digest", "digest", "page", "plot_breakdown", "plot_score", "plot_simulation"]
