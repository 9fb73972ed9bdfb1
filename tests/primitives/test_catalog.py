"""The table of primitives: it describes exactly what a program can use."""

# ruff: noqa: E501 - a Lua program or a row of a table reads best in one line

from __future__ import annotations

from lua_procedures import run
from lua_procedures.primitives.catalog import PRIMITIVES, primitive_names

LISTED = """
  local names, families = {}, {"State", "Stage", "Step", "Checkpoint", "Human", "System", "Iterations", "Stop", "Log", "Json", "field"}
  for _, family in ipairs(families) do
    for name in pairs(_G[family]) do names[#names + 1] = family .. "." .. name end
  end
  return names"""


def test_every_primitive_is_there():
    """Each described name is a function or a table in a program."""
    source = "return {" + ", ".join(f"type({primitive.name})" for primitive in PRIMITIVES) + "}"
    kinds = dict(zip([primitive.name for primitive in PRIMITIVES], run(source).value, strict=True))
    assert {name for name, kind in kinds.items() if kind not in {"function", "table"}} == set()


def test_every_member_is_described():
    """Each member of a family is in the table."""
    assert set(run(LISTED).value) <= {primitive.name for primitive in PRIMITIVES}


def test_every_other_global_is_known():
    """Each name for "did you mean" is there, and no primitive or part of Lua is missing among them."""
    names = [name for name in primitive_names() if "." not in name]
    assert run("return {" + ", ".join(f"{name} == nil" for name in names) + "}").value == [False] * len(names)
    assert {"math", "string", "Step", "print", "coroutine", "unpack"} <= set(names)


def test_members_of_libraries_are_known():
    """The names of Lua's own libraries are those that a program finds there."""
    source = """
      local names = {}
      for _, library in ipairs{"coroutine", "math", "os", "string", "table", "utf8"} do
        for name in pairs(_G[library]) do names[#names + 1] = library .. "." .. name end
      end
      return names"""
    known = {name for name in primitive_names() if "." in name} - {primitive.name for primitive in PRIMITIVES}
    assert set(run(source).value) == known


def test_names_are_unique_and_sorted():
    """A name is described once; the list of names is sorted."""
    names = [primitive.name for primitive in PRIMITIVES]
    assert len(names) == len(set(names))
    assert primitive_names() == sorted(set(primitive_names()))


def test_descriptions_are_sentences():
    """Each primitive has a summary in one sentence, and a signature where it is called."""
    for primitive in PRIMITIVES:
        assert primitive.summary.endswith("."), primitive
        assert primitive.signature or primitive.name in {"null", "params"}, primitive
