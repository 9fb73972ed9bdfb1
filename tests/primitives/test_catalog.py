"""The table of primitives: it describes exactly what a program can use."""

# ruff: noqa: E501 - a Lua program or a row of a table reads best in one line

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lua_procedures
from lua_procedures import run
from lua_procedures.primitives.catalog import PRIMITIVES, primitive
from lua_procedures.primitives.misuse import Misuse, check_options, expectations
from lua_procedures.primitives.names import primitive_names
from lua_procedures.primitives.reference import reference_page
from lua_procedures.primitives.rows import KINDS

LUA = Path(lua_procedures.__file__).parent / "language"

LISTED = """
  local names, families = {}, {"State", "Stage", "Step", "Checkpoint", "Human", "System", "Iterations", "Stop", "Log", "Json", "field"}
  for _, family in ipairs(families) do
    for name in pairs(_G[family]) do names[#names + 1] = family .. "." .. name end
  end
  return names"""


def test_every_primitive_is_there():
    """Each described name is a function or a table in a program."""
    of_an_agent = {"Agent.turn": "(Agent {name = 'w'}).turn"}
    written = [of_an_agent.get(primitive.name, primitive.name) for primitive in PRIMITIVES]
    source = "return {" + ", ".join(f"type({name})" for name in written) + "}"
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
      for _, library in ipairs{"coroutine", "math", "os", "python", "string", "table", "utf8"} do
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
    for row in PRIMITIVES:
        assert row.summary.endswith("."), row
        assert row.signature or row.kind == "value", row
        assert row.kind in KINDS, row


def test_arguments_have_their_own_names():
    """No two arguments or options of a primitive share a name, since an error says only that; all words say what is."""
    for row in PRIMITIVES:
        names = [argument.name for argument in row.all_arguments]
        assert len(names) == len(set(names)), row
        for argument in row.all_arguments:
            assert re.match(r"(an?|any|one of) ", argument.expected.words), argument
            assert not (argument.required and argument.default), argument


def test_lua_checks_only_what_is_described():
    """Each argument that a part of the prelude checks by name has a row."""
    known = {(row.name, argument.name) for row in PRIMITIVES for argument in row.all_arguments}
    found = [
        (path.name, *call)
        for path in LUA.glob("*.lua")
        for call in re.findall(r'kit\.(?:misuse|check|check_options)\("([\w.]+)", "(\w+)"', path.read_text())
    ]
    assert {each for each in found if each[1:] not in known} == set()
    assert len(found) > 10


def test_another_name_has_the_same_row():
    """What is described as the same has the same arguments, and errors name the other."""
    both = primitive("checkpoint"), primitive("Step.checkpoint")
    assert both[0].arguments == both[1].arguments
    assert both[0].same_as == both[1].name


def test_an_unknown_name_has_no_row():
    """Asking for what is not described is an error."""
    with pytest.raises(KeyError):
        primitive("nothing")


def test_the_text_for_lua_has_a_line_for_each_argument():
    """Every argument and option is there once, under its primitive."""
    lines = expectations().strip("\n").split("\n")
    assert len(lines) == sum(1 for row in PRIMITIVES for _ in row.all_arguments)
    assert all(len(line.split("\x1f")) == 10 for line in lines)


CHECKED = [
    ("timeout", 5, None),
    ("timeout", None, None),
    ("timeout", 0.5, None),
    ("timeout", -1, "a number of seconds (0 to 1e9) expected, got -1"),
    ("timeout", True, "a number of seconds (0 to 1e9) expected, got a boolean"),
    ("min", 1.0, None),
    ("min", 1.5, "a whole number (0 or more) expected, got 1.5"),
    ("mode", "many", 'one of single, multiple expected, got "many"'),
    ("mode", b"\xff", "one of single, multiple expected, got text that is not UTF-8"),
    ("options", ["a"], None),
    ("options", [], "a non-empty list of strings or tables with label expected, got an empty table"),
    ("options", {"a": 1}, "a non-empty list of strings or tables with label expected, got a table with named keys"),
    ("options", None, "a non-empty list of strings or tables with label expected, got nil"),
    ("mode", "x" * 100, 'one of single, multiple expected, got "' + "x" * 58 + "…"),
]


@pytest.mark.parametrize(("name", "value", "told"), CHECKED)
def test_python_checks_by_the_table(name, value, told):
    """An option that came out of Lua is checked by its row; the message says where it is."""
    option = primitive("Human.select").argument(name)
    if told is None:
        check_options((option,), {name: value})
        return
    with pytest.raises(Misuse, match=re.escape(f"here.{name}: {told}")):
        check_options((option,), {name: value}, "here.")


def test_the_reference_has_every_primitive():
    """The page shows each call once, with its kind, and says what the kinds mean."""
    page = reference_page()
    for row in PRIMITIVES:
        assert page.count(f"| `{row.name}{row.signature}` | {row.summary} |") == 1, row
    for kind, meaning in KINDS.items():
        assert f"| {kind} | {meaning} |" in page
