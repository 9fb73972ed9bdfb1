"""``python -m lua_procedures``: see ``command_line``."""

from __future__ import annotations

import sys

from .command_line.main import main

sys.exit(main())
