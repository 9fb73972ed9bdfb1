"""A Jupyter server of this Python, with folders of its own."""

from __future__ import annotations

import contextlib
import itertools
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
        self.url = ""
        self._folder = folder
        self._numbers = itertools.count()
        for name in ("root", "config/labconfig", "data", "runtime", "ipython"):
            (folder / name).mkdir(parents=True)
        quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        (folder / "config/labconfig/page_config.json").write_text(json.dumps(quiet))

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server's process and wait until it answers; again where somebody else was faster at its port."""
        for _ in range(3):
            process = self._start_at(_free_port())
            if process is not None:
                return process
        raise RuntimeError(f"the Jupyter server did not start:\n{(self._folder / 'server.log').read_text()}")

    def _start_at(self, port: int) -> subprocess.Popen[bytes] | None:
        self.url = f"http://127.0.0.1:{port}"
        with (self._folder / "server.log").open("wb") as log:
            process = subprocess.Popen(self._command(), env=self._environment(), stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError):
                self.request("GET", "/api")
                if process.poll() is None:  # it is this one that answered
                    return process
            time.sleep(0.2)
        process.kill()
        process.wait()
        return None

    def request(self, method: str, path: str) -> Any:
        """Call the server's REST interface."""
        with urllib.request.urlopen(urllib.request.Request(self.url + path, method=method), timeout=10) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def add_kernel(self, name: str, python: str) -> None:
        """Offer the ipykernel of another interpreter."""
        spec = {"argv": [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": name}
        folder = self._folder / "data" / "kernels" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "kernel.json").write_text(json.dumps({**spec, "language": "python"}))

    def write_notebook(self, sources: Sequence[str], kernel: str = "python3") -> Path:
        """Write a new notebook of code cells into the root."""
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        contents = nbformat.v4.new_notebook(cells=cells)
        contents.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
        return self._write(contents)

    def write_untrusted(self, saved: Any) -> Path:
        """Write the contents of a notebook's file into the root, changed so that its signature does not fit."""
        contents = nbformat.from_dict(saved)
        contents.metadata["from"] = "somebody else"
        return self._write(contents)

    def _write(self, contents: Any) -> Path:
        path = self.root / f"notebook-{next(self._numbers)}.ipynb"
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
