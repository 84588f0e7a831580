"""``python -m bitext`` is the console script ``bitext``."""

import sys

from bitext.cli import main

sys.exit(main())
