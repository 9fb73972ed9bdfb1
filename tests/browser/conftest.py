"""A real JupyterLab and Notebook 7 in a real Chromium.

A missing browser is an error of every test here, never a skip.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from ..environments import old_python
from .desks import SETUP, Desk
from .pages import FrontEnd, Notebook
from .procedures import LOAD, Cells
from .servers import Server

CHROMIUM_OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def jupyter_server(tmp_path_factory):
    """A Jupyter server of this Python, with folders of its own and this repository importable."""
    server = Server(tmp_path_factory.mktemp("jupyter"))
    process = server.start()
    yield server
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def browser(chromium):
    """A headless Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, headless=False, args=CHROMIUM_OPTIONS)
        yield running
        running.close()


@contextlib.contextmanager
def _opener(server: Server, browser: Browser) -> Iterator[Callable[..., Notebook]]:
    contexts, paths = [], []

    def open_it(
        *sources: str,
        front_end: FrontEnd = "lab",
        saved: object = None,
        kernel: str = "python3",
        width: int = 1180,
        scale: int = 1,
    ) -> Notebook:
        path = server.write_untrusted(saved) if saved else server.write_notebook(sources, kernel)
        context = browser.new_context(viewport={"width": width, "height": 860}, device_scale_factor=scale)
        contexts.append(context)
        paths.append(path.name)
        return Notebook(context.new_page(), server.url, path, front_end).open()

    yield open_it
    for context in contexts:
        context.close()
    server.clear(paths)


@pytest.fixture
def open_notebook(jupyter_server, browser):
    """A function that opens a notebook of the given cells: ``open_notebook(source, …, front_end="lab")``.

    ``saved`` takes the contents of a file instead, which is opened as somebody else's: untrusted, without a kernel's
    memory, in a browser of its own. ``kernel`` is the name of a kernel spec; ``width`` is that of the window, and
    ``scale`` says how many pixels of the screen make one of the page.
    """
    with _opener(jupyter_server, browser) as open_it:
        yield open_it


@pytest.fixture(scope="module")
def open_shared_notebook(jupyter_server, browser):
    """The same for a notebook that the tests of one module share."""
    with _opener(jupyter_server, browser) as open_it:
        yield open_it


@pytest.fixture(scope="module")
def lab(open_shared_notebook):
    """A desk in JupyterLab."""
    return Desk(open_shared_notebook(SETUP, ""))


@pytest.fixture(scope="module")
def notebook7(open_shared_notebook):
    """A desk in Notebook 7."""
    return Desk(open_shared_notebook(SETUP, "", front_end="notebook"))


@pytest.fixture(params=["lab", "notebook7"])
def desk(request):
    """A desk in each front end."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def open_cells(open_notebook):
    """A function that opens a notebook with the extension loaded, an empty cell, and one for Python."""
    return lambda *sources, **options: Cells(open_notebook(LOAD, *(sources or [""]), "", **options))


@pytest.fixture(scope="module")
def cells(open_shared_notebook):
    """The same, shared by the tests of one module, in JupyterLab."""
    return Cells(open_shared_notebook(LOAD, "", "", ""))


@pytest.fixture(scope="module")
def cells7(open_shared_notebook):
    """The same in Notebook 7."""
    return Cells(open_shared_notebook(LOAD, "", "", "", front_end="notebook"))


@pytest.fixture(scope="session")
def old_kernel(jupyter_server, pytestconfig):
    """The name of a kernel whose ipykernel delivers no click to an awaiting cell."""
    jupyter_server.add_kernel("old", old_python(pytestconfig))
    return "old"


@pytest.fixture(params=["cells", "cells7"])
def both(request):
    """Such a notebook in each front end."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def shot(request):
    """Writes a picture of the page, where ``LUA_PROCEDURES_SHOTS`` names a folder."""
    folder = os.environ.get("LUA_PROCEDURES_SHOTS")

    def write(notebook: Notebook, name: str) -> None:
        if folder:
            notebook.screenshot(Path(folder) / f"{request.node.name}-{name}.png")

    return write
