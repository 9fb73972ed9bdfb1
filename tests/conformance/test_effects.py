"""What a step does to State, Stage, Stop and the notices is put back when the step is not run again."""

from __future__ import annotations

import pytest

from .cells import messages

#: What a step does (after `state` was set up) and what State holds then.
CHANGES = {
    "set": ("", "State.set('k', 1)", {"k": 1}),
    "assign": ("", "state.k = {a = {1}}", {"k": {"a": [1]}}),
    "overwrite": ("state.k = {1}", "state.k = {2}", {"k": [2]}),
    "overwrite with the same": ("state.k = 1", "state.k = 1", {"k": 1}),
    "nil": ("state.k = 1", "state.k = nil", {}),
    "delete": ("state.k, state.l = 1, 2", "State.delete('k')", {"l": 2}),
    "delete and set": ("state.k = {1}", "State.delete('k') state.k = {2, 3}", {"k": [2, 3]}),
    "set and delete": ("", "state.k = 1 State.delete('k')", {}),
    "clear": ("state.k, state.l = 1, {2}", "State.clear()", {}),
    "clear and set": ("state.k, state.l = 1, {2}", "State.clear() state.m = 3", {"m": 3}),
    "increment": ("state.k = 1", "State.increment('k') State.increment('k', 2.5)", {"k": 4.5}),
    "increment from nothing": ("", "State.increment('k')", {"k": 1}),
    "increment a boolean": ("state.k = true", "State.increment('k')", {"k": 1}),
    "append to nothing": ("", "State.append('k', 1) State.append('k', {2})", {"k": [1, [2]]}),
    "append to a list": ("state.k = {1}", "State.append('k', 2)", {"k": [1, 2]}),
    "append to a scalar": ("state.k = 1", "State.append('k', 2)", {"k": [1, 2]}),
    "append and read": (
        "state.k = {1}",
        "State.append('k', 2) local n = #state.k State.append('k', n)",
        {"k": [1, 2, 2]},
    ),
    "append and remove": ("state.k = {1}", "State.append('k', 2) table.remove(state.k, 1)", {"k": [2]}),
    "append and replace": ("state.k = {1}", "State.append('k', 2) state.k = {3}", {"k": [3]}),
    "append and delete": ("state.k = {1}", "State.append('k', 2) state.k = nil State.append('k', 3)", {"k": [3]}),
    "append a table and change it": ("", "local t = {1} State.append('k', t) t[2] = 2", {"k": [[1, 2]]}),
    "change a table in place": (
        "state.k = {a = 1, b = 2}",
        "state.k.a = 3 state.k.b = nil state.k.c = 4",
        {"k": {"a": 3, "c": 4}},
    ),
    "insert in front": ("state.k = {1, 2}", "table.insert(state.k, 1, 0)", {"k": [0, 1, 2]}),
    "remove in front": ("state.k = {1, 2, 3}", "table.remove(state.k, 1)", {"k": [2, 3]}),
    "empty a list": ("state.k = {1, 2}", "local k = state.k while #k > 0 do table.remove(k) end", {"k": []}),
    "sort": ("state.k = {3, 1, 2}", "table.sort(state.k)", {"k": [1, 2, 3]}),
    "reverse": ("state.k = {{1}, {2}}", "local k = state.k k[1], k[2] = k[2], k[1]", {"k": [[2], [1]]}),
    "change in depth": (
        "state.k = {a = {b = {c = 1}}}",
        "state.k.a.b.c = 2 state.k.a.d = {}",
        {"k": {"a": {"b": {"c": 2}, "d": []}}},
    ),
    "replace in depth and change": (
        "state.k = {a = {1}}",
        "state.k.a = {2} table.insert(state.k.a, 3)",
        {"k": {"a": [2, 3]}},
    ),
    "move to another key": ("state.k = {1}", "state.l = state.k state.k = nil", {"l": [1]}),
    "a list of records": (
        "state.k = {{n = 1}, {n = 2}}",
        "for _, r in ipairs(state.k) do r.n = r.n * 2 end",
        {"k": [{"n": 2}, {"n": 4}]},
    ),
    "a list to a dict": ("state.k = {1}", "local k = state.k k[1] = nil k.x = 1", {"k": {"x": 1}}),
    "colon forms": ("", "State:set('k', 1) State:append('l', 2) State:increment('k')", {"k": 2, "l": [2]}),
    "nulls and empties": (
        "",
        "state.k = {null, 1} state.l = object{} state.m = {}",
        {"k": [None, 1], "l": {}, "m": []},
    ),
}


@pytest.mark.parametrize(("before", "body", "after"), CHANGES.values(), ids=CHANGES)
def test_changes_of_state_are_put_back(cell, before, body, after):
    """State is the same after the step's replay as after its run, and as without a step."""
    assert cell.twice(f"{before}\nStep.run('s', function() {body} end)").state == after
    assert cell(f"{before}\n{body}", name="plain").state == after


@pytest.mark.parametrize(("before", "body", "after"), CHANGES.values(), ids=CHANGES)
def test_changes_in_inner_steps_are_put_back(cell, before, body, after):
    """So it is where the inner step ran, and the outer one looks at State around it."""
    assert cell.twice(f"{before}\nStep.run('o', function() Step.run('i', function() {body} end) end)").state == after
    watching = f"""{before}
        Step.run("outer", function()
          local list = State.get("k")
          Step.run("inner", function() {body} end)
          return {{State.get("k", "none"), State.get("l", "none")}}
        end)"""
    assert cell.twice(watching, name="watching").state == after


def test_what_an_inner_step_appended_may_be_taken_away_again(cell):
    """An outer step that undoes what its inner step did has done nothing."""
    ran = cell.twice("""
        state.list = {}
        Step.run("outer", function()
          local list = state.list
          Step.run("inner", function() State.append("list", 1) end)
          table.remove(state.list)
        end)
    """)
    assert ran.state == {"list": []}


def test_an_interrupted_step_puts_back_what_its_inner_steps_did(cell):
    """An outer step that is entered again meets the State of its finished inner steps, and counts on."""
    program = """
        Step.run("outer", function()
          Step.run("inner", function() State.increment("n") State.append("l", State.get("n")) end)
          State.increment("n")
          Human.approve{message = "Go?"}
          State.increment("n")
          State.append("l", State.get("n"))
        end)
        return State.get("n")"""
    assert cell(program).state == {"n": 2, "l": [1]}
    assert cell(program, answers=[True]).state == {"n": 3, "l": [1, 3]}
    assert cell.twice(program).value == 3


def test_references_from_before_the_step_see_its_changes(cell):
    """A table taken from State before a step is still State's after it, live as on replay."""
    ran = cell.twice("""
        state.box = {items = {1}, name = "x"}
        local box, items = state.box, state.box.items
        Step.run("s", function() table.insert(state.box.items, 2) state.box.name = "y" end)
        table.insert(items, 3)
        return {#items, box.name, rawequal(items, state.box.items), rawequal(box, state.box)}
    """)
    assert ran.value == [3, "y", True, True]
    assert ran.state == {"box": {"items": [1, 2, 3], "name": "y"}}


def test_a_reference_to_a_replaced_table_is_cut_off(cell):
    """Where a step put another table in its place, the old reference is State's no more, live as on replay."""
    ran = cell.twice("""
        state.items = {1}
        local old = state.items
        Step.run("s", function() state.items = {2} end)
        table.insert(old, 9)
        return {#old, #state.items, rawequal(old, state.items)}
    """)
    assert ran.value == [2, 1, False]


def test_one_table_under_two_keys_stays_one(cell):
    """Where the program put one table under two keys, a step's change through one shows in both."""
    ran = cell.twice("""
        local shared = {1}
        state.a, state.b = shared, shared
        Step.run("s", function() table.insert(state.a, 2) end)
        Step.run("t", function() table.insert(state.b, 3) table.insert(state.a, 4) end)
        return {rawequal(state.a, state.b), #shared}
    """)
    assert ran.value == [True, 4]
    assert ran.state == {"a": [1, 2, 3, 4], "b": [1, 2, 3, 4]}


def test_a_table_put_into_state_is_the_recorded_copy(cell):
    """What a step put into State shares nothing with its result or with a second key, live as on replay."""
    ran = cell.twice("""
        local got = Step.run("s", function()
          local t = {1}
          state.a, state.b = t, t
          State.append("c", t)
          return t
        end)
        table.insert(got, 2)
        table.insert(state.a, 3)
        table.insert(state.a, 4)
        return {#got, #state.a, #state.b, #state.c[1]}
    """)
    assert ran.value == [2, 3, 1, 1]


def test_what_a_nested_step_put_into_state_can_be_changed_by_the_outer_one(cell):
    """The outer step works on the recorded copy, and its changes are the outer step's."""
    ran = cell.twice("""
        Step.run("outer", function()
          Step.run("inner", function() state.t = {1} State.append("l", {1}) end)
          table.insert(state.t, 2)
          table.insert(state.l[1], 2)
        end)
    """)
    assert ran.state == {"t": [1, 2], "l": [[1, 2]]}


def test_pairs_visits_state_in_the_same_order(cell):
    """`pairs(state)` and `pairs` over a recorded dict give one order, live as on replay."""
    names = "delta alpha omega b1 z9 kappa y x epsilon".split()
    build = " ".join(f"state.{name} = {{{', '.join(f'{key} = 1' for key in names)}}}" for name in names)
    ran = cell.twice(f"""
        Step.run("s", function() {build} end)
        local keys, inner = {{}}, {{}}
        for k, v in pairs(state) do
          keys[#keys + 1] = k
          for i in pairs(v) do inner[#inner + 1] = i end
        end
        return {{keys, inner}}
    """)
    assert sorted(ran.value[0]) == sorted(names)
    assert ran.value[1] == ran.value[1][: len(names)] * len(names)


def test_a_recorded_dict_keeps_its_order_of_pairs(cell):
    """A table that a step returned is visited in the same order live and on replay."""
    names = "delta alpha omega b1 z9 kappa y x epsilon".split()
    ran = cell.twice(f"""
        local t = Step.run("s", function()
          local t = {{}}
          for _, name in ipairs{{{", ".join(f"'{name}'" for name in names)}}} do t[name] = true end
          t.alpha = nil
          return t
        end)
        local keys = {{}}
        for k in pairs(t) do keys[#keys + 1] = k end
        return keys
    """)
    assert sorted(ran.value) == sorted(set(names) - {"alpha"})


def test_a_table_changed_in_place_keeps_its_order_of_pairs(cell):
    """Keys that a step added to a table of State and took away again leave no trace in the order of the others."""
    ran = cell.twice("""
        state.t = {kappa = 1, y = 1}
        Step.run("s", function()
          for i = 1, 40 do state.t["k" .. i] = i end
          for i = 1, 37 do state.t["k" .. i] = nil end
          state.t.last = 1
        end)
        local keys = {}
        for k in pairs(state.t) do keys[#keys + 1] = k end
        return keys
    """)
    assert sorted(ran.value) == ["k38", "k39", "k40", "kappa", "last", "y"]


# -- what State cannot keep -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "path"),
    [
        ("state.k = {a = {print}}", "$.k.a[1]"),
        ("State.set('k', print)", "$.k"),
        ("State.append('k', {x = 0 / 0})", "$.k.x"),
        ("State.increment('k', 1 / 0)", "$.k"),
        ("state.k = {}\nstate.k.a = print\nStep.run('s', function() end)", "$.k.a"),
        ("state.k = {}\nStep.run('s', function() state.k.a = {print} end)", "$.k.a[1]"),
        ("state.k = {}\ntable.insert(state.k, print)\nHuman.approve('?')", "$.k[1]"),
        ("state.k = {1}\nstate.k.x = 1\nSleep(0)", "$.k"),
        ("state.k = {}\nstate.k.a = print", "$.k.a"),
    ],
)
def test_what_state_cannot_keep_is_refused(cell, how, path):
    """At the assignment where it is seen at once, else at the next checkpoint, by path."""
    error = cell.fails(how, answers=[True])
    assert type(error).__name__ == "ConversionError"
    assert error.path == path


def test_what_is_told_once_is_told_once_on_replay(cell):
    """A warning of an unknown global that a step caused is not given again after the step was put back."""
    ran = cell.twice("Step.run('s', function() return wobble end) return wobble")
    assert len(messages(ran, "warning")) == 1


def test_declarations_in_a_step_are_put_back(cell):
    """A question's declaration, and what is listed as not run."""
    program = """
        Step.run('s', function() Hitl('k', {message = 'Well?'}) Specification('spec') end)
        return Human.approve{config_key = 'k'}"""
    ran = cell.twice(program, answers=lambda request: True)
    assert [each.name for each in ran.checkpoints] == ["s", "Well?"]
    assert "Specification spec" in messages(ran, "warning")[0]
