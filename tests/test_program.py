"""Forms of a program, and what their schemas check."""

# ruff: noqa: E501 - a Lua program or a row of a table reads best in one line

from __future__ import annotations

from itertools import count
from typing import Any

import pandas as pd
import pytest

from lua_procedures import ConversionError, LuaRuntimeError, SchemaError, run
from lua_procedures.program import check_inputs, check_output


def record(info):
    """The run that an error ended."""
    return info.value.run


def faults(source: str, **params: Any) -> dict[str, tuple[str, str]]:
    """What the run is refused for: field → expected, actual."""
    with pytest.raises(SchemaError) as error:
        run(source, params=params)
    assert record(error).status == "failed"
    return {fault["field"]: (fault["expected"], fault["actual"]) for fault in error.value.faults}


# Forms ----------------------------------------------------------------------------------------------------------------

FORMS = {
    "": None,
    "-- nothing": None,
    "local x = 1": None,
    "return": None,
    "return 5": 5,
    "return input.a": 2,
    "return params.a": 2,
    "function main() return 6 end": 6,
    "function main(i) return i.a + input.a end": 4,
    "main = function() return 1, 2 end": [1, 2],
    "Procedure{ function(i) return i.a end }": 2,
    "Procedure{ run = function(i) return i.a end }": 2,
    "Procedure 'main' { function() return 7 end }": 7,
    "Procedure('main')({ function() return 7 end })": 7,
    "local main = Procedure{ function() return 7 end }": 7,
    "Procedure{ function() return 7 end } return 8": 7,
    "Procedure{ function() end }": None,
    "function main() return 1 end return 9": 1,
    "input{a = 'integer'} return input.a": 2,
    "output{b = 'integer'} return {b = 3}": {"b": 3},
    "output{type = 'integer'} return 3.0": 3,
    "output(field.string{}) return 'x'": "x",
    "output 'integer' return 3": 3,
    "input{a = 'integer'} output{r = 'number'} function main(i) return {r = i.a} end": {"r": 2},
    "Procedure{ input = {a = field.number{}}, output = {r = 'number'}, function(i) return {r = i.a} end }": {"r": 2},
}


@pytest.mark.parametrize("source", FORMS)
def test_forms(source):
    """A script, a script with schemas, a main procedure and a function `main` are programs."""
    assert run(source, params={"a": 2}).value == FORMS[source]


def test_two_main_procedures():
    """Two main procedures are an error that gives both lines."""
    with pytest.raises(LuaRuntimeError) as error:
        run("Procedure{ function() end }\n\nProcedure{ function() end }")
    assert error.value.line == 3
    assert "line 1" in error.value.message


def test_declared_twice():
    """An input or output declared twice is an error that gives both lines."""
    for name in ("input", "output"):
        with pytest.raises(LuaRuntimeError, match="line 1") as error:
            run(f"{name}{{}}\n{name}{{}}")
        assert error.value.line == 2


def test_state_and_stages_of_a_procedure():
    """`state` gives initial values by schema or as they are, `stages` declares the stages."""
    done = run(
        """Procedure{ state = {n = {type = 'number', default = 3}, list = field.array{default = {1}}, unset = 'string', plain = 5},
             stages = {'a', 'b'}, function() Stage.set('b') state.n = state.n + 1 table.insert(state.list, 2) end }"""
    )
    assert done.stage == "b"
    assert {key: done.state[key] for key in ("n", "list", "plain")} == {"n": 4, "list": [1, 2], "plain": 5}


def test_initial_state_is_not_shared_with_the_schema():
    """What the program does to its State leaves the declaration alone."""
    source = "local default = {1} Procedure{ state = {l = {type = 'array', default = default}}, function() state.l[2] = 2 return #default end }"
    assert run(source).value == 1


WRONG_FORMS = {
    "Procedure{}": "Procedure: ",
    "Procedure(5)": "Procedure: ",
    "Procedure()": "Procedure: ",
    "Procedure 'main' (5)": "Procedure: ",
    "Procedure{ run = 5 }": "Procedure: ",
    "Procedure{ function() end, state = 5 }": "Procedure: state",
    "Procedure{ function() end, state = {1, a = 2} }": "Procedure: state",
    "Procedure{ function() end, stages = 5 }": "Procedure: stages: ",
    "Procedure{ function() end, input = 5 }": "Procedure: ",
    "Procedure{ function() end, output = 5 }": "Procedure: ",
    "input(5)": "input: ",
    "input{'a', 'b'}": "input: fields: a table of fields expected, got a list",
    "input()": "input: ",
    "output()": "output: ",
    "output(5)": "output: ",
    "field.string(5)": "field.string: ",
    "field.strin{}": "field",
}


@pytest.mark.parametrize("source", WRONG_FORMS)
def test_wrong_forms(source):
    """A wrong declaration is an error at its line that names the primitive."""
    with pytest.raises(LuaRuntimeError) as error:
        run(f"local a = 1\n{source}\nlocal b = 2")
    assert error.value.line == 2
    assert WRONG_FORMS[source] in str(error.value)


def test_unknown_fields_of_a_procedure():
    """A field that a procedure does not have is a warning that names it."""
    done = run("Procedure{ inputs = {}, function() return 1 end }")
    assert done.value == 1
    assert [notice.kind for notice in done.notices] == ["warning"]
    assert "inputs" in done.notices[0].message


# Inputs ---------------------------------------------------------------------------------------------------------------

FITS = [
    ("string", "x"), ("string", ""), ("string", b"\xff"), ("number", 1), ("number", 1.5), ("integer", 1), ("integer", 2.0), ("boolean", False),
    ("array", []), ("array", [1]), ("array", {}), ("object", {}), ("object", {"a": 1}), ("object", []), ("float", 1), ("number", -(2**63)),
]  # fmt: skip
UNFIT = [
    ("string", 1), ("string", True), ("string", []), ("number", True), ("number", "1"), ("integer", 1.5), ("integer", False), ("integer", "2"),
    ("integer", 1e308), ("integer", 2.0**63), ("boolean", 1), ("boolean", "true"), ("array", "x"), ("array", {"a": 1}), ("object", [1]), ("object", "x"), ("number", [1]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value"), FITS)
def test_types_that_fit(kind, value):
    """A value of the declared type passes; an empty table is what the schema says."""
    got = run(f"input{{x = '{kind}'}} return {{math.type(input.x) or false, type(input.x)}}", params={"x": value}).value
    assert got[1] == {"float": "number", "integer": "number", "array": "table", "object": "table"}.get(kind, kind)
    if kind == "integer":
        assert got[0] == "integer"


@pytest.mark.parametrize(("kind", "value"), UNFIT)
def test_types_that_do_not_fit(kind, value):
    """A boolean is no number, a string no array: the fault names the field, the expected and the actual."""
    found = faults(f"input{{x = field.{kind}{{}}}}", x=value)
    assert list(found) == ["x"]
    assert found["x"][0] == f"{'an' if kind[0] in 'aio' else 'a'} {kind}"


def test_all_faults_together():
    """Every fault of the inputs is reported in one error, at the declaration's line."""
    source = """local a = 1
input{
  n = field.integer{required = true},
  s = {type = 'string', enum = {'x', 'y'}},
  l = field.array{items = {type = 'object', fields = {id = {type = 'integer', required = true}}}},
  o = field.object{fields = {deep = {type = 'object', fields = {x = 'boolean'}}}},
  fine = 'string',
}"""
    given = {"s": "z", "l": [{"id": 1}, {}, {"id": "x"}, 5, None], "o": {"deep": {"x": 1}}, "fine": "f"}
    found = faults(source, **given)
    assert found == {
        "n": ("an integer", "nothing"),
        "s": ('one of "x", "y"', '"z"'),
        "l[2].id": ("an integer", "nothing"),
        "l[3].id": ("an integer", '"x"'),
        "l[4]": ("an object", "5"),
        "l[5]": ("an object", "nothing"),
        "o.deep.x": ("a boolean", "1"),
    }
    with pytest.raises(SchemaError) as error:
        run(source, params=given)
    assert error.value.line == 2
    assert all(field in error.value.message for field in found)


def test_defaults():
    """A missing input, and one that is None, gets its default, at any depth; a wrong default is a fault."""
    source = """input{a = field.integer{default = 4}, b = {type = 'array', default = {1}}, o = field.object{fields = {x = {default = 'd'}}}}
      return {input.a, input.b, input.o.x, input.none == nil}"""
    assert run(source, params={"a": None, "o": {}}).value == [4, [1], "d", True]
    assert faults("input{a = field.integer{default = 'x'}}") == {"a": ("an integer", '"x"')}


def test_false_and_zero_are_values():
    """False, 0 and the empty text are no missing values."""
    source = "input{a = field.boolean{required = true, default = true}, b = field.integer{default = 1}, c = field.string{default = 'd'}} return {input.a, input.b, input.c}"
    assert run(source, params={"a": False, "b": 0, "c": ""}).value == [False, 0, ""]


def test_an_enum_compares_as_lua_does():
    """1 and 1.0 are the same choice, 1 and true are not."""
    assert run("input{a = {enum = {1, 'x'}}} return input.a", params={"a": 1.0}).value == 1.0
    assert list(faults("input{a = {enum = {1, 'x'}}}", a=True)) == ["a"]


def test_an_undeclared_input_is_passed_on():
    """An input that is not declared is there all the same, with a notice that names it."""
    done = run("input{a = 'integer'} return input.b", params={"a": 1, "b": 2})
    assert done.value == 2
    assert [("b" in notice.message, notice.line) for notice in done.notices] == [(True, 1)]


def test_inputs_without_schema():
    """Without a declaration every input is passed on as it is, in silence."""
    done = run("return {input.a, input.b == nil}", params={"a": [1]})
    assert (done.value, done.notices) == ([[1], True], [])


BAD_SCHEMAS = {
    "input{a = 'strin'}": "strin",
    "input{a = 5}": "a",
    "input{a = {type = 5}}": "type",
    "input{a = {type = {}}}": "type",
    "input{a = {type = 'string', enum = 'x'}}": "enum",
    "input{a = {type = 'string', required = 'yes'}}": "required",
    "input{a = {type = 'array', items = 5}}": "items",
    "input{a = {type = 'array', items = 'strin'}}": "items",
    "input{a = {type = 'object', fields = 5}}": "fields",
    "input{a = {type = 'object', fields = {b = 5}}}": "a.b",
    "output{a = 'strin'} return {}": "strin",
    "output{a = {type = {}}} return {}": "type",
}


@pytest.mark.parametrize("source", BAD_SCHEMAS)
def test_bad_schemas(source):
    """A declaration that is wrong in itself is a SchemaError that names the field, whatever the inputs are."""
    with pytest.raises(SchemaError) as error:
        run(source, params={"a": None})
    assert BAD_SCHEMAS[source] in error.value.message
    assert error.value.line == 1


def test_a_schema_error_can_be_caught():
    """`pcall` around a declaration gets the faults as a text."""
    ok, message = run("local ok, e = pcall(input, {n = 'integer'}) return {ok, e}", params={"n": "x"}).value
    assert ok is False
    assert "n: an integer expected" in message


# Outputs --------------------------------------------------------------------------------------------------------------


def test_outputs_are_checked():
    """An output that does not fit is a failed run with all its faults."""
    source = "output{a = field.integer{required = true}, b = 'string', c = {type = 'array', items = 'number'}} return {b = 5, c = {1, 'x'}}"
    assert faults(source) == {"a": ("an integer", "nothing"), "b": ("a string", "5"), "c[2]": ("a number", '"x"')}


@pytest.mark.parametrize(
    ("declared", "returned", "expected"),
    [("{a = 'string'}", "5", "a table of fields"), ("{type = 'string'}", "5", "a string"), ("{type = 'string', required = true}", "nil", "a string"),
     ("{a = {required = true}}", "nil", "a value"), ("{type = 'boolean'}", "1", "a boolean")],
)  # fmt: skip
def test_an_output_of_the_wrong_kind(declared, returned, expected):
    """A program that returns something else than declared fails, with what was expected."""
    found = faults(f"output{declared} return {returned}")
    assert [each[0] for each in found.values()] == [expected]


def test_undeclared_outputs_are_dropped():
    """An output key that is not declared is dropped, with a notice that names it."""
    done = run("output{a = 'integer'} return {a = 1, extra = 2}")
    assert done.value == {"a": 1}
    assert ["extra" in notice.message for notice in done.notices] == [True]


def test_an_empty_table_is_what_the_schema_says():
    """A bare `{}` comes out as a dict where the schema says object, and as a list where it says array."""
    assert run("output{o = 'object', l = 'array', x = {}} return {o = {}, l = {}, x = {}}").value == {
        "o": {},
        "l": [],
        "x": [],
    }
    assert run("output{a = 'string'} return {}").value == {}


def test_defaults_of_outputs():
    """An output that is missing gets its default."""
    assert run("output{a = field.integer{default = 4}} return {}").value == {"a": 4}


def test_a_failed_output_check_keeps_the_checkpoints():
    """The run's record is intact after a failed check, and a mended program goes on from it."""
    name = f"output {next(count())}"
    step = "local r = Step.run('s', function() return 1 end)"
    with pytest.raises(SchemaError) as error:
        run(f"output{{type = 'string'}} {step} return r", name=name)
    assert [each.name for each in record(error).checkpoints] == ["s"]
    assert run(f"output{{type = 'integer'}} {step} return r", name=name).replayed == 1


def test_unconvertible_outputs():
    """What cannot come out is refused before the schema is asked."""
    with pytest.raises(ConversionError) as error:
        run("output{a = 'object'} return {a = {1, nil, 3}}")
    assert error.value.path == "$.a"


# The functions themselves ---------------------------------------------------------------------------------------------


def test_check_inputs_leaves_its_arguments_alone():
    """Checking fills in defaults in a copy."""
    schema, given = {"a": {"type": "integer", "default": 4}}, {"b": 1}
    assert check_inputs(schema, given) == ({"b": 1, "a": 4}, ["b"])
    assert (schema, given) == ({"a": {"type": "integer", "default": 4}}, {"b": 1})


@pytest.mark.parametrize("alias", ["float", "int", "bool", "str", "list", "dict", "table"])
def test_names_of_types_from_elsewhere(alias):
    """Python's names of types, and Lua's, are understood."""
    values = {"float": 1.5, "int": 1, "bool": True, "str": "s", "list": [1], "dict": {"a": 1}, "table": {"a": 1}}
    assert check_output(alias, values[alias]) == (values[alias], [])


def test_a_handle_is_shown_by_its_type():
    """A fault shows no more of a Python object than its type."""
    with pytest.raises(SchemaError) as error:
        check_inputs({"a": "string"}, {"a": object()})
    assert error.value.faults == [{"field": "a", "expected": "a string", "actual": "a object"}]


@pytest.mark.parametrize("field", ["array", "object", {"enum": [1]}])
def test_a_handle_is_compared_with_nothing(field):
    """A Python object whose equality is no boolean, such as a series, is a fault like any other value."""
    with pytest.raises(SchemaError) as error:
        check_inputs({"a": field}, {"a": pd.Series([1, 2])})
    assert [fault["actual"] for fault in error.value.faults] == ["a Series"]
    with pytest.raises(SchemaError, match="a table of fields expected, got a Series"):
        check_output({"a": field}, pd.Series([1, 2]))
