"""Scores by group, from any dataframe or from plain columns; and contacts from any dataframe.

There are two paths. **Arrays**, ``score_by(ratings, by=labels)``, are counted here, by a kernel that passes once over
two columns of small integers. **Frames**, ``score_by(frame, rating="score", by=["plan", "country"])``, are pushed down:
the engine that holds the data counts, in one query, and only one row per group comes back. A frame in memory whose keys
are integers or dictionary-coded text (pandas ``category``, polars ``Categorical`` and ``Enum``, pyarrow dictionaries)
goes through the kernel, which is faster there.
"""

from ._breakdown import Breakdown, Origin
from ._built import Library, frame
from ._contacts import contacts
from ._score_by import score_by

__all__ = ["Breakdown", "Library", "Origin", "contacts", "frame", "score_by"]
