"""One pass as a job: everything it needs, and who drives it."""

from .driving import drive, in_loop, run_here
from .job import Job, checked_name
from .preparing import known_names, prepare

__all__ = ["Job", "checked_name", "drive", "in_loop", "known_names", "prepare", "run_here"]
