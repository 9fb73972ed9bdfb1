"""A real kernel and the front end's side of it: what a notebook would show, and what its buttons would send."""

from __future__ import annotations

import ast
import json
import os
import queue
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from ..bounds import PATIENCE
from .outputs import WIDGET, Execution, Form

__all__ = ["LOOP", "RELEASE", "ROOT", "Kernel", "environment", "write_kernel_spec"]

ROOT = Path(__file__).parents[2]

#: The program of the quickstart.
RELEASE = """\
Stages{"prepare", "approve", "ship"}
Stage.set("prepare")
local notes = Step.run("collect notes", function()
  State.increment("collected")
  return {version = input.version, lines = {"faster", "safer"}}
end)
Stage.advance("approve")
local review = Human.review{message = "Release notes", artifact = table.concat(notes.lines, "\\n"),
                            artifact_type = "markdown", timeout = 3600,
                            options = {"Approve", {label = "Reject", type = "cancel"}}}
if review.decision ~= "Approve" then return {shipped = false, why = review.feedback} end
Stage.advance("ship")
local sure = Human.approve{message = "Ship " .. notes.version .. "?", default = false, timeout = 600}
Human.notify{message = sure and "Shipped" or "Held", level = "info"}
return {shipped = sure, notes = review.edited_artifact or notes.lines, collected = State.get("collected")}
"""

#: A program that only the stop button ends.
LOOP = "while true do pcall(function() while true do end end) end"


def environment(folder: Path, **variables: object) -> dict[str, str]:
    """The variables of a process that finds this repository and keeps its files in ``folder``."""
    ours = {"PYTHONPATH": ROOT, "IPYTHONDIR": folder / ".ipython", **variables}
    return {**os.environ, **{name: str(value) for name, value in ours.items()}}


def write_kernel_spec(folder: Path, python: str) -> Path:
    """A folder of kernel specs with one, ``tested``, that runs ipykernel by that interpreter."""
    spec = {"argv": [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "tested"}
    target = folder / "kernels" / "tested"
    target.mkdir(parents=True, exist_ok=True)
    (target / "kernel.json").write_text(json.dumps({**spec, "language": "python", "interrupt_mode": "signal"}))
    return target.parent


class Kernel:
    """A kernel of its own process, in a folder of its own.

    Args:
        folder: where it runs and keeps its files.
        specs: a folder of kernel specs that has ``tested``; without it the kernel is this Python's.
        variables: environment variables.

    Attributes:
        is_browser: whether cells are sent as browsers send them, and not as a client in Python, such as a console.
    """

    def __init__(self, folder: Path, specs: Path | None = None, **variables: object) -> None:
        self.folder = folder
        self.is_browser = True
        self._environment = environment(folder, **variables)
        found = KernelSpecManager(kernel_dirs=[str(specs or write_kernel_spec(folder, sys.executable))])
        self.manager = KernelManager(kernel_name="tested", kernel_spec_manager=found)
        self._executions: dict[str, Execution] = {}
        self._displays: dict[str, list[dict[str, Any]]] = {}
        self._forms: dict[str, Form] = {}

    def start(self) -> Kernel:
        """Start it, with the extension loaded."""
        self.manager.start_kernel(cwd=str(self.folder), env=self._environment)
        self._connect()
        return self

    def stop(self) -> None:
        """End its process."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def restart(self) -> None:
        """Kill its process and start another, as “Restart” does to a kernel that is busy."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=True)
        self._forms.clear()
        self._connect()

    def _connect(self) -> None:
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)
        loaded = self.run("%load_ext lua_procedures")
        assert not loaded.outputs, loaded.outputs

    # -- running -------------------------------------------------------------------------------------

    def begin(self, code: str, *, cell: str | None = None, allow_stdin: bool = True) -> Execution:
        """Send a cell and do not wait.

        Args:
            code: the cell.
            cell: its id, as JupyterLab sends it.
            allow_stdin: whether a person is there; nbclient says no.
        """
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": allow_stdin,
            "stop_on_error": True,
        }
        return self._send(content, {"cellId": cell} if cell else {})

    def _send(self, content: Mapping[str, Any], metadata: Mapping[str, Any]) -> Execution:
        message = self.client.session.msg("execute_request", dict(content), metadata=dict(metadata))
        if self.is_browser:  # which sends other ids than a client in Python
            message["msg_id"] = message["header"]["msg_id"] = str(uuid4())
        self.client.shell_channel.send(message)
        execution = self._executions[message["header"]["msg_id"]] = Execution(message["header"]["msg_id"])
        return execution

    def run(self, code: str, *, cell: str | None = None, allow_stdin: bool = True) -> Execution:
        """Run a cell to its end."""
        return self.finish(self.begin(code, cell=cell, allow_stdin=allow_stdin))

    def finish(self, execution: Execution) -> Execution:
        """Wait until a cell has ended."""
        self.wait(lambda: execution.done)
        return execution

    def value(self, expression: str) -> Any:
        """A Python expression's value in the notebook; plain data."""
        content = {"code": "", "silent": True, "user_expressions": {"it": expression}, "allow_stdin": False}
        reply = self.finish(self._send(content, {})).reply or {}
        result = reply["user_expressions"]["it"]
        assert result["status"] == "ok", result
        return ast.literal_eval(result["data"]["text/plain"])

    def interrupt(self) -> None:
        """Press the stop button."""
        self.manager.interrupt_kernel()

    @property
    def executions(self) -> Sequence[Execution]:
        """Every cell that was sent, in order."""
        return list(self._executions.values())

    # -- forms ---------------------------------------------------------------------------------------

    def form(self, execution: Execution, *, after: Form | None = None) -> Form:
        """Wait until a cell's output shows a form (another one than ``after``)."""

        def shown() -> Form | None:
            return next((form for form in self._shown(execution) if form is not after), None)

        return self.wait(shown)

    def _shown(self, execution: Execution) -> Iterator[Form]:
        for output in execution.outputs:
            view = output.get("data", {}).get(WIDGET)
            if view is not None and view["model_id"] in self._forms:
                yield self._forms[view["model_id"]]

    def press(
        self, form: Form, button: int = 0, *, fields: Any = None, feedback: str = "", artifact: str | None = None
    ) -> None:
        """Send what the browser sends when a button is pressed."""
        value = {"button": button, "fields": fields or {}, "feedback": feedback, "artifact": artifact}
        self.send(form, {"type": "answer", "request": form.id, "value": value})

    def later(self, form: Form) -> None:
        """Press “Later”."""
        self.send(form, {"type": "later", "request": form.id})

    def send(self, form: Form, content: Mapping[str, Any]) -> None:
        """Send a custom message to a widget."""
        data = {"method": "custom", "content": dict(content)}
        message = self.client.session.msg("comm_msg", {"comm_id": form.model, "data": data})
        self.client.shell_channel.send(message)

    # -- listening -----------------------------------------------------------------------------------

    def wait(self, condition: Callable[[], Any]) -> Any:
        """Listen until the condition gives something true, which is returned."""
        deadline = time.monotonic() + PATIENCE
        while not (result := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing came in {PATIENCE} s; {self._seen()}")
            assert self.manager.is_alive(), f"the kernel's process ended; {self._seen()}"
            self._listen(0.02)
        return result

    def listen(self, seconds: float) -> None:
        """Listen for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._listen(0.02)

    def _seen(self) -> Sequence[Any]:
        return [execution for execution in self.executions if execution.outputs][-2:]

    def _listen(self, seconds: float) -> None:
        for get, take, pause in (
            (self.client.get_iopub_msg, self._published, seconds),
            (self.client.get_shell_msg, self._replied, 0),
        ):
            try:
                take(get(timeout=pause))
            except queue.Empty:
                continue

    def _replied(self, message: dict[str, Any]) -> None:
        execution = self._executions.get(message["parent_header"].get("msg_id"))
        if execution is not None:
            execution.reply = message["content"]

    def _published(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        execution = self._executions.get(message["parent_header"].get("msg_id"))
        if kind.startswith("comm_"):
            self._comm(kind, content)
        elif kind == "update_display_data":
            self._update(content)
        elif kind == "status" and execution is not None:
            execution.idle = execution.idle or content["execution_state"] == "idle"
        elif execution is not None and kind in {"display_data", "execute_result", "stream", "error"}:
            self._output(execution, kind, content)

    def _output(self, execution: Execution, kind: str, content: dict[str, Any]) -> None:
        output = {"output_type": kind, **content}
        execution.outputs.append(output)
        display = content.get("transient", {}).get("display_id")
        if display is not None:
            self._displays.setdefault(display, []).append(output)

    def _update(self, content: dict[str, Any]) -> None:
        for output in self._displays.get(content["transient"]["display_id"], ()):
            output.update(data=content["data"], metadata=content["metadata"])

    def _comm(self, kind: str, content: dict[str, Any]) -> None:
        model = content["comm_id"]
        if kind == "comm_close":
            self._forms.pop(model, None)
        elif kind == "comm_open" and "request" in content["data"].get("state", {}):
            self._forms[model] = Form(model, content["data"]["state"])
        elif model in self._forms and content["data"].get("method") == "update":
            self._change(self._forms[model], content["data"]["state"])

    def _change(self, form: Form, state: dict[str, Any]) -> None:
        """A widget asks several questions in turn; each of them is a form here."""
        asked = state.get("request", form.state["request"])
        if asked != form.state["request"]:
            self._forms[form.model] = Form(form.model, {**form.state, **state})
        else:
            form.state.update(state)
