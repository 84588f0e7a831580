"""Align Chinese originals with their English translations, score them, and flag what is wrong.

Start with `bitext.pipeline`: it composes the stages.  Importing this package is silent and light; torch is
loaded when the first text is embedded.
"""

from __future__ import annotations

__version__ = "0.1.0"
