"""`python -m rhapsode.cli`: the same as `rhapsode`."""

import sys

from rhapsode.cli import main

sys.exit(main())
