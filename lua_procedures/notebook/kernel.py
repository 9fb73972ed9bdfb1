"""The kernel that a cell runs in: whether it can wait for a click, whether anybody is there, which cell it is."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any, Final

from ..terminal.prompts import terminal_stream

__all__ = ["can_wait", "cell_id", "in_kernel", "is_console", "is_headless", "running_code"]

#: How jupyter_client ends the ids of its messages: with its process and a count. Browsers send UUIDs.
_FROM_PYTHON: Final = re.compile(r"_\d+_\d+$")


def in_kernel(shell: Any) -> bool:
    """Whether the shell belongs to a Jupyter kernel (and not to a terminal)."""
    return getattr(shell, "kernel", None) is not None


@cache
def can_wait() -> bool:
    """Whether this ipykernel delivers a widget's messages while a cell awaits.

    It does since it dispatches them beside the cell, which shows in the signature of its dispatcher. An older one
    shows the form, pauses, and goes on in the same output when it is answered.
    """
    try:
        from ipykernel.kernelbase import Kernel
    except ImportError:
        return False
    return any("concurrent" in inspect.signature(method).parameters for method in _dispatchers(Kernel))


def _dispatchers(kernel: Any) -> list[Any]:
    names = ("process_shell_message", "dispatch_shell")
    return [method for name in names if callable(method := getattr(kernel, name, None))]


def _parent(shell: Any) -> dict[str, Any]:
    kernel = getattr(shell, "kernel", None)
    parent: dict[str, Any] = kernel.get_parent("shell") if kernel is not None else {}
    return parent or {}


def cell_id(shell: Any) -> str | None:
    """The front end's id of the cell that runs now, where it sends one."""
    found = _parent(shell).get("metadata", {}).get("cellId")
    return found if isinstance(found, str) and found else None


def is_headless(shell: Any) -> bool:
    """Whether nobody can answer: no front end asked for this execution, or no terminal is there.

    A front end that a person sits at allows input requests (``allow_stdin``); nbclient, nbval and papermill do not.
    """
    if in_kernel(shell):
        allowed = _parent(shell).get("content", {}).get("allow_stdin", False)
        return not allowed and cell_id(shell) is None
    return terminal_stream() is None


def is_console(shell: Any) -> bool:
    """Whether the front end may be a console (Jupyter console, Qt console, ``jupyter run``), which shows no form.

    A cell that waited there for a click would wait for ever. So the form is left beside the question's text, and the
    kernel is free for ``%procedures answer``.
    """
    sent_by = str(_parent(shell).get("header", {}).get("msg_id", ""))
    return cell_id(shell) is None and _FROM_PYTHON.search(sent_by) is not None


def running_code() -> bool:
    """Whether IPython is running a cell's code below us on the stack: then a cell must not be made to await."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_name == "run_code" and frame.f_globals.get("__name__") == "IPython.core.interactiveshell":
            return True
        frame = frame.f_back
    return False
