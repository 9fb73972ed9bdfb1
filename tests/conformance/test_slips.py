"""What is misspelt in a declaration or a call is told: the name as it stands, and what is close."""

from __future__ import annotations

import pytest

from lua_procedures import ToolSpec

from .cells import messages

DID_YOU_MEAN = "is ignored. Did you mean"
UNKNOWN_ENUM = f"output: output: unknown option enmu {DID_YOU_MEAN} 'enum'?"


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("input{v = field.string{require = false}}", f"input: v: unknown option require {DID_YOU_MEAN} 'required'?"),
        ("input{v = {type = 'string', defualt = 'x'}}", f"input: v: unknown option defualt {DID_YOU_MEAN} 'default'?"),
        ("output{n = field.integer{requred = true}}", f"output: n: unknown option requred {DID_YOU_MEAN} 'required'?"),
        ("output{type = 'integer', enmu = {1}} return 1", UNKNOWN_ENUM),
        ("output{n = field.integer{colour = 'red'}}", "output: n: unknown option colour is ignored"),
        (
            "input{o = {type = 'object', fields = {l = {type = 'array', items = {tpye = 'string'}}}}}",
            f"input: o.l items: unknown option tpye {DID_YOU_MEAN} 'type'?",
        ),
        (
            "t = Tool{input = {q = {type = 'string', descripton = 'd'}}, function() end}",
            f"Tool: q: unknown option descripton {DID_YOU_MEAN} 'description'?",
        ),
        (
            "a = Agent{output = {q = field.array{item = 'string'}}}",
            f"Agent: q: unknown option item {DID_YOU_MEAN} 'items'?",
        ),
        (
            "Procedure{state = {q = {type = 'number', defualt = 3}}, function() return {n = 1} end}",
            f"Procedure: q: unknown option defualt {DID_YOU_MEAN} 'default'?",
        ),
        (
            "p = Procedure{input = {q = {type = 'string', enums = {'a'}}}, function() end}",
            f"Procedure: q: unknown option enums {DID_YOU_MEAN} 'enum'?",
        ),
        (
            "Model 'm' {type = 'mock', value = 1, input = {q = {type = 'string', requird = true}}}",
            f"Model: q: unknown option requird {DID_YOU_MEAN} 'required'?",
        ),
    ],
)
def test_an_option_of_a_field_that_nothing_reads(cell, declared, told):
    """It is accepted with one notice, which names the option, the field and what is close."""
    ran = cell.twice(declared)
    assert messages(ran, "warning") == [told]
    assert ran.notices[0].line == 1


def test_fields_as_they_are_declared_give_no_notice(cell):
    """All options of the catalog, values that are tables themselves, and schemas that Python gives."""

    def fetch(url: str, count: int = 3) -> str:
        return url * count

    schema = {"type": "object", "properties": {"q": {"type": "string", "minLength": 1}}, "title": "Q"}
    given = ToolSpec(name="look", tool_type="function", schema_def=schema, function_ref="json:loads")
    program = """
        input{
          s = field.string{required = false, default = "a", description = "d", enum = {"a"}},
          l = {type = "array", items = field.object{fields = {n = "integer"}}, default = {{n = 1}}},
          o = field.object{default = {defualt = 1}}, type = "string",
        }
        output{o = {type = "object", fields = {defualt = "integer"}}}
        t = Tool{input = {requird = {type = "string"}}, function() end}
        Procedure{state = {at = {kind = "book", defualt = 1}}, function(i) return {o = i.o} end}"""
    ran = cell.twice(program, tools=[fetch, given])
    assert (ran.value, ran.notices) == ({"o": {"defualt": 1}}, [])


@pytest.mark.parametrize(
    ("declared", "field", "meant"),
    [
        ("t = Tool{requires_aproval = true, print}", "Tool: unknown field requires_aproval", "requires_approval"),
        ("a = Agent{modle = 'x'}", "Agent: unknown field modle", "model"),
        ("a = Agent{temprature = 1}", "Agent: unknown field temprature", "temperature"),
        ("Procedure{inptu = {}, function() end}", "Procedure: unknown field inptu", "input"),
    ],
)
def test_a_field_of_a_declaration_that_nothing_reads(cell, declared, field, meant):
    """It is accepted with a notice that names what is close."""
    assert messages(cell.twice(declared), "warning") == [f"{field} {DID_YOU_MEAN} '{meant}'?"]


def test_a_field_that_is_close_to_nothing(cell):
    """There is nothing to suggest."""
    ran = cell("t = Tool{colour = 1, function() end}")
    assert messages(ran, "warning") == ["Tool: unknown field colour is ignored"]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("GraphNode.create{lable = 'x'}", "GraphNode.create: unknown field 'lable'; did you mean 'label'?"),
        ("GraphNode.create{label = 'x', scoer = 3}", "GraphNode.create: unknown field 'scoer'; did you mean 'score'?"),
        ("Human.notify{mesage = 'x'}", "Human.notify: unknown field 'mesage'; did you mean 'message'?"),
        ("Human.notify{contant = 'y'}", "Human.notify: unknown field 'contant'; did you mean 'content'?"),
        ("System.alert{message = 'x', Level = 'error'}", "System.alert: unknown field 'Level'; did you mean 'level'?"),
    ],
)
def test_a_slip_among_keys_that_are_kept(cell, call, told):
    """It is told once, also in a loop, and in a step that is not run again."""
    assert messages(cell.twice(f"for _ = 1, 3 do {call} end"), "warning") == [told]
    assert messages(cell.twice(f"Step.run('s', function() {call} end) {call}"), "warning") == [told]


def test_keys_of_the_program_s_own_give_no_notice(cell):
    """Words of their own are no slips, however near they are; nor is anything in `metadata`."""
    program = """
        GraphNode.create{label = "a", context = 1, scores = {1}, source = "s", type = "poem", metadata = {lable = 2}}
        GraphNode.create("b", {lable = 3})
        Human.notify{message = "a", count = 1, text = "b", messages = {1}}"""
    ran = cell.twice(program)
    assert messages(ran, "warning") == []
    assert ran.graph.nodes[0].metadata["context"] == 1


def test_an_artifact_s_type(cell):
    """One that is close to a known one is told of; any other word is accepted."""
    review = "return Human.review{artifact = 'x', artifact_type = '%s'}.decision"
    told = ["Human.review: unknown artifact_type 'markdwon'; did you mean 'markdown'?"]
    assert messages(cell(review % "markdwon", answers=["approve"]), "warning") == told
    assert messages(cell(review % "markdwon"), "warning") == told
    assert not cell(review % "document", answers=["approve"]).notices
