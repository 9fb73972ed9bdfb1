"""The Python tools of one run, by name."""

from __future__ import annotations

import pytest

from lua_procedures import UsageError
from lua_procedures.tools.python import PythonTool
from lua_procedures.tools.registry import Registry


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def found(registry: Registry, name: str) -> PythonTool:
    """The tool of that name, which is there."""
    tool = registry.get(name)
    assert tool is not None
    return tool


def test_names_and_tools():
    """Tools of the call and of the session are found by name; the call's hide the session's."""
    registry = Registry([add], {"add": len, "plus": add})
    assert registry.names == ["add", "plus"]
    assert found(registry, "add").call({"a": 1, "b": 2}) == 3
    assert found(registry, "plus").name == "plus"
    assert registry.get("plus") is registry.get("plus")
    assert registry.names == ["add", "plus"]
    assert registry.get("minus") is None
    assert found(Registry({"sum": add}), "sum").call({"a": 1, "b": 2}) == 3


def test_the_session_is_looked_at_late():
    """What the session has is made into a tool when it is looked up, and not before."""
    registry = Registry(session={"wrong": 5, "right": add})
    assert found(registry, "right").name == "right"
    for _ in range(2):
        with pytest.raises(UsageError, match="got a int"):
            registry.get("wrong")


def test_two_of_a_name():
    """Two tools of one name are refused."""
    with pytest.raises(UsageError, match="two tools are named 'add'"):
        Registry([add, add])


def test_names_of_the_language():
    """A tool that would hide a primitive is refused, and where it came from is said."""
    with pytest.raises(UsageError, match="tools: 'State' is a name of the language"):
        Registry({"State": add}, known={"State"})
    with pytest.raises(UsageError, match=r"get_session\(\)\.tools: 'print' is"):
        Registry([], {"print": add}, {"print"})


@pytest.mark.parametrize("given", [add, "add", 5])
def test_what_is_no_list(given):
    """Tools come as a list or a dict."""
    with pytest.raises(UsageError, match="tools: a list or a dict expected"):
        Registry(given)
