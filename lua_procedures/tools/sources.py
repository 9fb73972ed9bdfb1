"""What a Python function is, as text: a tool's result counts as long as this stays the same.

In the text: the function's source without its comments, layout and docstring; its default values; what it captured
from an enclosing function; and the same for the functions among these. Of an object these are its class's methods. Of
values only those count that cannot change
by themselves (numbers, texts, tuples of them): a list or a counter that the tool fills as it runs would be another
one each time. Globals that the function uses are not looked into. A function without source (typed into a plain
interpreter, a lambda that shares its line) is its compiled code instead, one of another language its name and the
version of its library.
"""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, MethodType
from typing import Any, Final

__all__ = ["source_text"]

_CARRIERS: Final = frozenset(("builtins", "abc", "typing", "pydantic", "langchain_core"))


def source_text(value: Callable[..., Any] | type) -> str:
    """The text of a callable, or of a class's methods: the same for as long as what they do is written the same."""
    return "\n".join(_class_parts(value, set()) if isinstance(value, type) else _parts(value, set()))


def _parts(value: Any, seen: set[int]) -> Iterator[str]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, functools.partial):
        yield f"partial {_constant(value.args)} {_constants(value.keywords)}"
        yield from _parts(value.func, seen)
    elif isinstance(value, MethodType):
        yield f"method {value.__name__}"
        yield from _parts(value.__func__, seen)
        yield from _class_parts(value.__self__ if isinstance(value.__self__, type) else type(value.__self__), seen)
    elif isinstance(value, FunctionType):
        yield from _function_parts(value, seen)
    elif isinstance(getattr(value, "__wrapped__", None), FunctionType):  # functools.cache and its like
        yield f"wrapped by {_name(type(value))}"
        yield from _parts(value.__wrapped__, seen)
    elif isinstance(getattr(type(value), "__call__", None), FunctionType):  # noqa: B004 - its function is wanted
        yield from _class_parts(type(value), seen)
    else:
        yield f"{_name(value)} {_version(value)}"


def _class_parts(cls: type, seen: set[int]) -> Iterator[str]:
    """The texts of a class's methods, inherited ones included, those of the libraries that only carry it left out."""
    for base in cls.__mro__:
        if base.__module__.partition(".")[0] in _CARRIERS:
            continue
        yield f"class {_name(base)}"
        for name, member in sorted(vars(base).items()):
            function = getattr(member, "__func__", member)  # of a static method or a class method
            if isinstance(function, FunctionType):
                yield f"def {name}"
                yield from _parts(function, seen)


def _function_parts(function: FunctionType, seen: set[int]) -> Iterator[str]:
    code = function.__code__
    yield _code_text(code)
    yield f"defaults {_constant(function.__defaults__ or ())} {_constants(function.__kwdefaults__ or {})}"
    assigned = set(_assigned(code))
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        value = _content(cell)
        if isinstance(value, (FunctionType, MethodType, functools.partial)):
            yield f"captured {name}"
            yield from _parts(value, seen)
        else:
            yield f"captured {name} {'…' if name in assigned else _constant(value)}"


def _code_text(code: CodeType) -> str:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError):
        return f"code {_code_parts(code)!r}"
    if code.co_name == "<lambda>":  # its line may hold more than the lambda
        return f"code {_code_parts(code)!r}"
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _code_parts(code: CodeType) -> tuple[Any, ...]:
    constants = [_code_parts(each) if isinstance(each, CodeType) else _constant(each) for each in code.co_consts]
    return (code.co_code.hex(), constants, code.co_names, code.co_varnames, sys.version_info[:2])


def _assigned(code: CodeType) -> Iterator[str]:
    """Captured variables that the function, or one inside it, assigns."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("STORE_DEREF", "DELETE_DEREF"):
            yield str(instruction.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _assigned(inner)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _constant(value: Any) -> str:
    """A value that cannot change by itself as text, any other by its type."""
    if isinstance(value, (tuple, frozenset)):
        parts = [_constant(item) for item in value]
        return f"{type(value).__name__}({', '.join(parts if isinstance(value, tuple) else sorted(parts))})"
    if value is None or value is ... or isinstance(value, (bool, int, float, complex, str, bytes)):
        return repr(value)
    return _name(value) if isinstance(value, type) else f"a {_name(type(value))}"


def _constants(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={_constant(value)}" for name, value in sorted(values.items()))


def _name(value: Any) -> str:
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", type(value).__qualname__)
    return f"{getattr(value, '__module__', '')}.{name}"


def _version(value: Any) -> str:
    """The version of the library that a function without source comes from, or Python's own."""
    library = sys.modules.get(str(getattr(value, "__module__", "")).partition(".")[0])
    version = getattr(library, "__version__", None)
    return version if isinstance(version, str) else ".".join(map(str, sys.version_info[:2]))
