"""What every notebook of the documentation runs first, out of sight: the root of the repository, and quiet output."""

import os
import warnings
from pathlib import Path

from IPython import get_ipython
from matplotlib_inline.backend_inline import set_matplotlib_formats

os.chdir(Path(__file__).parents[1])
# A page shows what was said, not on which line of which temporary file.
warnings.formatwarning = lambda message, category, *_: f"{category.__name__}: {message}\n"
get_ipython().run_line_magic("xmode", "Minimal")
set_matplotlib_formats("svg")
