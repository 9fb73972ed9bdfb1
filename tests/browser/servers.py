"""A Jupyter server of this Python, with folders of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).parents[2]


class Server:
    """A running Jupyter server; ``root`` is the folder it serves."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.url = f"http://127.0.0.1:{_free_port()}"
        self._folder = folder
        for name in ("root", "config/labconfig", "data", "runtime", "ipython"):
            (folder / name).mkdir(parents=True)
        quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        (folder / "config/labconfig/page_config.json").write_text(json.dumps(quiet))

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server's process and wait until it answers."""
        log = (self._folder / "server.log").open("wb")
        with log:
            process = subprocess.Popen(self._command(), env=self._environment(), stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError):
                self.request("GET", "/api")
                return process
            time.sleep(0.2)
        process.kill()
        process.wait()
        raise RuntimeError(f"the Jupyter server did not start:\n{(self._folder / 'server.log').read_text()}")

    def request(self, method: str, path: str) -> Any:
        """Call the server's REST interface."""
        with urllib.request.urlopen(urllib.request.Request(self.url + path, method=method), timeout=10) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def write_notebook(self, sources: Sequence[str]) -> Path:
        """Write a new notebook of code cells into the root."""
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        contents = nbformat.v4.new_notebook(cells=cells)
        contents.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        return self._write(contents)

    def write_untrusted(self, saved: Any) -> Path:
        """Write the contents of a notebook's file into the root, changed so that its signature does not fit."""
        contents = nbformat.from_dict(saved)
        contents.metadata["from"] = "somebody else"
        return self._write(contents)

    def _write(self, contents: Any) -> Path:
        path = self.root / f"notebook-{len(list(self.root.iterdir()))}.ipynb"
        nbformat.write(contents, path)
        return path

    def clear(self, names: Sequence[str]) -> None:
        """End the kernels of these notebooks and forget the settings, such as the theme."""
        for session in self.request("GET", "/api/sessions"):
            if session["path"] in names:
                self.request("DELETE", f"/api/sessions/{session['id']}")
        shutil.rmtree(self._folder / "config/lab", ignore_errors=True)

    def _command(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.url.rsplit(':', 1)[1]}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.root}",
            "--IdentityProvider.token=",
            "--ServerApp.disable_check_xsrf=True",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ]

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        ours = {
            "JUPYTER_CONFIG_DIR": folder / "config",
            "JUPYTER_DATA_DIR": folder / "data",
            "JUPYTER_RUNTIME_DIR": folder / "runtime",
            "IPYTHONDIR": folder / "ipython",
            "PYTHONPATH": ROOT,
        }
        return {**os.environ, **{name: str(value) for name, value in ours.items()}}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
