"""What a program declares that the host checks: its schemas, and the texts it requires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..durable.serialization import loads
from ..errors import LuaSyntaxError
from ..language.runtime import Guest
from ..primitives.misuse import Misuse
from ..program import check_inputs, check_output, check_output_schema, typed_strings
from .passes import Handler, Pass, Reply

__all__ = ["Declaring"]


class Declaring:
    """Answers these requests in one pass."""

    def __init__(self, within: Pass, guest: Guest) -> None:
        self._pass = within
        self._guest = guest

    @property
    def handlers(self) -> dict[str, Handler]:
        """By the request."""
        return {
            "inputs": self._inputs,
            "arguments": self._arguments,
            "schema": self._schema,
            "outputs": self._outputs,
            "module": self._module,
        }

    def _inputs(self, schema: str, line: int) -> Reply:
        declared, program = loads(schema), self._pass.program
        return self._checked(declared, {**program.inputs, **typed_strings(declared, program.texts)}, line)

    def _arguments(self, schema: str, text: str, line: int) -> Reply:
        given = loads(text, self._pass.converter.objects) or {}
        if not isinstance(given, dict):
            raise Misuse("input: a table of named fields expected, got a list")
        return self._checked(loads(schema), given, line)

    def _checked(self, declared: Any, given: Mapping[str, Any], line: int) -> Reply:
        values, undeclared = check_inputs(declared, given)
        for name in undeclared:
            self._pass.host.warn(f"the input {name!r} is not declared; it is passed on", line)
        return ("value", self._pass.converter.push(values))

    def _schema(self, schema: str) -> Reply:
        check_output_schema(loads(schema))
        return ("value",)

    def _outputs(self, schema: str, text: str, line: int) -> Reply:
        value, dropped = check_output(loads(schema), loads(text, self._pass.converter.objects))
        for name in dropped:
            self._pass.host.warn(f"the output {name!r} is not declared; it is dropped", line)
        return ("value", self._pass.converter.push(value))

    def _module(self, name: str, line: int) -> Reply:
        module = self._pass.program.modules(name)
        if module is None:
            self._pass.data.absent.add(name)
            raise Misuse(f"no module {name!r}: define a cell of that name with --define, or put {name}.lua beside it")
        self._pass.data.modules[name] = module
        try:
            return ("value", self._guest.load(module.text, module.chunk, first_line=module.first_line))
        except LuaSyntaxError as error:
            error.message, error.line = f"{module.chunk}:{error.line}: {error.message}", line
            raise
