"""Sub-procedures: every spelling, their schemas, their frames, and what an edit inside one re-runs."""

from __future__ import annotations

import pytest

from lua_procedures import LimitExceeded, LuaRuntimeError, SchemaError

from .cells import messages, paths

DOUBLE = """
double = Procedure {
  input = {n = field.integer{required = true}, by = field.integer{default = 2}},
  output = {n = field.integer{required = true}},
  function(input) return {n = Step.run("work", function() return input.n * input.by end)} end,
}
"""


@pytest.mark.parametrize(
    ("declared", "called"),
    [
        ("local p = Procedure { function(i) return i.n + 1 end }", "p{n = 1}"),
        ("p = Procedure { function(i) return i.n + 1 end }", "p{n = 1}"),
        ("p = Procedure { run = function(i) return i.n + 1 end }", "p.run{n = 1}"),
        ("p = Procedure { function(i) return i.n + 1 end }", "p:run{n = 1}"),
        ('Procedure "p" { function(i) return i.n + 1 end }', 'Procedure("p"){n = 1}'),
        ('Procedure("p") { function(i) return i.n + 1 end }', 'Procedure("p").run{n = 1}'),
        ('local q = Procedure "p" { function(i) return i.n + 1 end }', "q{n = 1}"),
    ],
)
def test_a_sub_procedure_can_be_declared_and_called_in_every_spelling(cell, declared, called):
    """All spellings of a declaration and of a call mean the same."""
    assert cell.twice(f"{declared}\nreturn {called}").value == 2


def test_a_call_is_a_checkpoint_with_a_frame_of_its_own(cell):
    """What happens inside takes the positions of the sub-procedure's frame."""
    ran = cell(f"{DOUBLE} return double{{n = 4}}.n + double{{n = 1, by = 3}}.n")

    assert ran.value == 11
    assert [(each.path, each.kind, each.name, each.value) for each in ran.checkpoints] == [
        ("0", "procedure_call", "double", {"n": 8}),
        ("0/0", "step", "work", 8),
        ("1", "procedure_call", "double", {"n": 3}),
        ("1/0", "step", "work", 3),
    ]
    assert cell(f"{DOUBLE} return double{{n = 4}}.n + double{{n = 1, by = 3}}.n").executed == 0


def test_input_and_output_are_checked(cell):
    """A call that does not fit is a SchemaError that names the procedure and all faults, and can be caught."""
    error = cell.fails(f'{DOUBLE} return double{{n = "four", by = true}}')

    assert isinstance(error, SchemaError)
    assert error.message.startswith("double: the input does not fit: ")
    assert {fault["field"] for fault in error.faults} == {"n", "by"}
    wrong = 'p = Procedure { output = {n = "integer"}, function() return {n = "x"} end } return pcall(p)'
    assert cell(wrong).value[0] is False


def test_results_are_all_given_back(cell):
    """Without an output schema a sub-procedure has as many results as its function."""
    assert cell.twice('p = Procedure { function() return 1, "two", nil, 4 end } return p()').value == [
        1,
        "two",
        None,
        4,
    ]


def test_a_call_without_a_table_has_an_empty_input(cell):
    """p() is p{}; anything but a table is an error that says so."""
    assert cell("p = Procedure { function(i) return next(i) == nil end } return p()").value is True
    assert "p: input: a table expected, got a number" in str(cell.fails("p = Procedure { function() end } p(3)"))


def test_sub_procedures_share_the_state(cell):
    """What a sub-procedure does to State its caller sees; its initial values fill only what is missing."""
    ran = cell.twice("""
        p = Procedure { state = {n = field.integer{default = 10}, m = 5}, function() return State.increment("n") end }
        State.set("n", 1)
        p() p()
        return {state.n, state.m}
    """)
    assert ran.value == [3, 5]


def test_recursion_reaches_its_depth_and_no_further(cell):
    """Sixteen calls may be inside each other; limits change that, and passing it cannot be caught."""
    program = 'Procedure "p" { function(i) return i.n == 1 and 1 or 1 + Procedure("p"){n = i.n - 1} end } '

    assert cell(f'{program} return Procedure("p"){{n = 16}}').value == 16
    assert isinstance(cell.fails(f'{program} return pcall(Procedure("p"), {{n = 17}})'), LimitExceeded)
    assert cell(f'{program} return Procedure("p"){{n = 20}}', limits={"max_depth": 20}).value == 20


def test_a_procedure_can_call_itself_by_its_variable(cell):
    """X = Procedure{} that calls x recurses as any function does."""
    fact = "fact = Procedure { function(i) return i.n < 2 and 1 or i.n * fact{n = i.n - 1} end }"
    assert cell.twice(f"{fact} return fact{{n = 5}}").value == 120


def test_an_error_inside_can_be_caught_and_replays(cell):
    """A sub-procedure that fails is recorded as failed once the program goes on, and fails again on replay."""
    ran = cell.twice("""
        local p = Procedure { function() Step.run("before", function() return 1 end) error({code = 5}) end }
        local ok, why = pcall(p)
        Step.run("after", function() return 2 end)
        return {ok, why.code}
    """)
    assert ran.value == [False, 5]
    assert ran.checkpoints[0].error == '{"code":5}'


def test_an_edit_inside_runs_only_what_follows_it(cell):
    """What stands before the edit inside the sub-procedure is kept, and what follows runs again."""
    program = """
        local p = Procedure { function()
          Step.run("a", function() return 1 end)
          return Step.run("b", function() return 2 end)
        end }
        local x = p()
        return x + Step.run("c", function() return 10 end)
    """
    cell(program)
    edited = cell(program.replace("return 2", "return 3"))

    assert edited.value == 13
    assert paths(edited, replayed=True) == ["0/0"]
    assert paths(edited, replayed=False) == ["0", "0/1", "1"]
    assert "its function" in edited._data.change
    assert cell(program).executed == 0


def test_plain_lua_inside_can_be_edited_freely(cell):
    """A sub-procedure has no answer of its own: new plain Lua in it counts, and nothing runs again."""
    program = "local p = Procedure { function() return Step.run('a', function() return 1 end) + 1 end } return p()"
    cell(program)
    edited = cell(program.replace("+ 1 end", "+ 5 end"))

    assert (edited.value, edited.executed) == (6, 0)
    assert edited.checkpoints[0].value == 6


def test_redo_enters_anew(cell):
    """--redo of a sub-procedure runs all that is inside, and what follows is kept while that comes out the same."""
    program = """
        local p = Procedure { function() return Step.run("a", function() return 1 end) end }
        p()
        return Step.run("after", function() return 2 end)
    """
    cell(program)
    again = cell(program, redo="p")

    assert paths(again, replayed=False) == ["0", "0/0"]
    assert paths(again, replayed=True) == ["1"]
    assert cell(program).executed == 0


def test_strict_and_plan_know_sub_procedures(cell):
    """A new sub-procedure is refused by --strict and announced by --plan."""
    cell("return 1")
    program = "local p = Procedure { function() return Step.run('a', function() return 1 end) end } return p()"

    assert 'procedure "p" is new' in cell.fails(program, strict=True).message
    assert 'procedure "p" is new' in cell(program, plan=True)._data.change
    assert cell(program).value == 1
    assert cell(program, strict=True).executed == 0
    assert cell(program, plan=True).status == "completed"


def test_two_main_procedures_are_an_error_that_gives_both_lines(cell):
    """The message tells the first one's line, the error has the second one's."""
    error = cell.fails("Procedure { function() end }\n\nProcedure { function() end }")

    assert (error.line, error.message) == (3, "Procedure: two main procedures: the first in line 1")


@pytest.mark.parametrize(
    "declared", ["main = Procedure {", 'Procedure "main" {', "Procedure {", "local main = Procedure {"]
)
def test_the_main_procedure_in_all_spellings(cell, declared):
    """It is what the program is, whatever the script returns."""
    schemas = "input = {n = 'integer'}, output = {n = 'integer'}"
    program = f"{declared} {schemas}, function(i) return {{n = i.n}} end }} return 7"
    assert cell(program, params={"n": 3}).value == {"n": 3}


def test_a_name_declared_twice_by_name_is_an_error(cell):
    """The error gives the first line."""
    error = cell.fails('Procedure "p" { function() end }\nProcedure "p" { function() end }')
    assert "p is declared twice; the first time in line 1" in error.message


def test_an_unknown_procedure_lists_the_known(cell):
    """The error names what there is."""
    error = cell.fails('Procedure "a" { function() end } Procedure "b" { function() end } Procedure("c"){}')

    assert isinstance(error, LuaRuntimeError)
    assert 'unknown procedure "c"; the procedures are a, b' in error.message


def test_a_step_that_calls_a_procedure_depends_on_its_text(cell):
    """An edit of a captured procedure runs the step again; there is no warning about a metatable."""
    program = "p = Procedure { function() return 1 end } return Step.run('s', function() return p() end)"
    assert messages(cell(program), "warning") == []

    assert cell(program).executed == 0
    assert cell(program.replace("return 1", "return 2")).value == 2


def test_what_is_declared_and_not_run_is_listed(cell):
    """Declarations of other systems are accepted, and the record says that they are not run."""
    ran = cell("""
        default_provider "openai"
        default_model "gpt-4o"
        Specification "it works" { Step("given", function() end) }
        Specifications([[Feature: x]])
        Evaluations { dataset = {} }
        Evaluation "quality" { runs = 3 }
        return 1
    """)
    (said,) = messages(ran, "warning")
    assert said.startswith("not run here: ")
    for each in (
        "Specification it works (line 4)",
        "Step given (line 4)",
        "Evaluations (line 6)",
        "Evaluation quality",
    ):
        assert each in said


def test_a_procedure_with_a_name_in_its_table_is_that_sub_procedure(cell):
    """Also as a statement of its own: it is not the main one."""
    program = (
        "Procedure {name = 'score', input = {text = field.string{required = true}}, function(i) return #i.text end}"
    )
    assert cell(program + " return Procedure('score'){text = 'abc'}").value == 3
