"""The statements of random programs that have no others inside them: one function for each family of primitives."""

from __future__ import annotations

from .writing import Family, Statement, Writer

__all__ = [
    "SIMPLE", "VALUES", "chance_and_time", "declarations", "journal", "notices", "read_state", "session",
    "stages", "stop", "tracking",
]  # fmt: skip

VALUES = (
    "1", "2.5", "'x'", "true", "{}", "object{}", "{1, 2}", "{a = 1}", "{a = {b = {3}}}", "{{1}, 'y'}", "{k = null}",
    "{1, null}",
)  # fmt: skip
KEYS = ("a", "b", "list")
PYTHON = ("fetch{x = %d}", "refuse{x = %d}", "halt{x = %d}", "give_up{x = %d}", "later{x = %d}", "pack.fetch{x = %d}")


# -- what changes and reads the world ------------------------------------------------------------------------------


def change_state(w: Writer) -> Statement:
    key, other, value = w.pick(*KEYS), w.pick(*KEYS), w.pick(*VALUES)
    return w.pick(
        f"State.set('{key}', {value})",
        f"state.{key} = state.{other}",
        f"State.increment('n', {w.number(5)})",
        f"pcall(State.append, '{key}', {value})",
        f"State.delete('{key}')",
        "State.clear()",
        f"if type(state.{key}) == 'table' and #state.{key} > 0 then table.insert(state.{key}, 1, {value}) end",
        f"if type(state.{key}) == 'table' and #state.{key} > 0 then table.remove(state.{key}, 1) end",
        f"if type(state.{key}) == 'table' and #state.{key} == 0 then state.{key}.f = {value} end",
    )


def read_state(w: Writer) -> Statement:
    key = w.pick(*KEYS)
    return w.pick(
        f"note(out, State.get('{key}'))",
        "note(out, State.get('n'))",
        "note(out, State.all())",
        "for k in pairs(state) do note(out, k) end",
    )


def stages(w: Writer) -> Statement:
    return w.pick(
        f"Stage.set('{w.pick('one', 'two', 'three')}')",
        "note(out, Stage.advance())",
        "note(out, Stage.current())",
        "note(out, Stage.count())",
        "note(out, #Stage.history())",
        "note(out, Stage.progress())",
        "Stages{'one', 'two', 'three', 'four'}",
    )


def stop(w: Writer) -> Statement:
    return w.pick(
        f"Stop.request('why {w.number(3)}', {w.pick('true', 'false')})",
        f"done{{reason = 'because', success = {w.pick('true', 'false')}}}",
        "note(out, Stop.requested())",
        "note(out, Stop.reason())",
        "note(out, Stop.success())",
        "note(out, Iterations.current())",
    )


def notices(w: Writer) -> Statement:
    return w.pick(
        f"print('shown', {w.number(9)}, state.a)",
        f"Log.{w.pick('info', 'warn', 'debug')}('logged', {{n = {w.number(9)}}})",
        f"Human.notify{{message = {w.name()}, content = '# text', details = {{{{title = 't', content = 'c'}}}}}}",
        f"System.alert{{message = {w.name()}, level = 'warning', source = 'test'}}",
        "State.increment('a', 0)",
    )


def session(w: Writer) -> Statement:
    return w.pick(
        f"Session.append('user', {w.pick(*VALUES)})",
        f"MessageHistory.append{{role = 'assistant', content = {w.name()}}}",
        "Session.inject_system('be brief')",
        "note(out, Session.count())",
        "note(out, Session.history())",
        "Session.clear()",
    )


def grow_graph(w: Writer) -> Statement:
    score = w.number(9)
    return w.pick(
        f"GraphNode.create({w.name()})",
        f"GraphNode.create{{label = {w.name()}, score = {score}, tags = {{1}}}}",
        f"GraphNode.set_current(GraphNode.create('moved', {{score = {score}}}))",
        "if GraphNode.root() then GraphNode.create('below', nil, GraphNode.root()) end",
        "if GraphNode.current() then GraphNode.set_current(GraphNode.current():parent() or GraphNode.current().id) end",
        f"if GraphNode.current() then GraphNode.current():set_score({score}) end",
        f"if GraphNode.root() then GraphNode.root():set_metadata('{w.pick('score', 'k')}', {w.pick(*VALUES)}) end",
        f"do local n = GraphNode.create('held') State.set('a', n.id) n:set_metadata('k', {w.pick(*VALUES)}) end",
    )


def read_graph(w: Writer) -> Statement:
    return w.pick(
        "note(out, GraphNode.current())",
        "note(out, GraphNode.root() and #GraphNode.root():children())",
        "note(out, GraphNode.root() and GraphNode.root():metadata())",
        "note(out, GraphNode.current() and GraphNode.current():score())",
        "for _, child in ipairs(GraphNode.current() and GraphNode.current():children() or {}) do note(out, child) end",
        "note(out, type(state.a) == 'string' and GraphNode.get(state.a) and GraphNode.get(state.a).label)",
    )


# -- what is asked of others ---------------------------------------------------------------------------------------


def python_tools(w: Writer) -> Statement:
    call = w.pick(*PYTHON) % w.number(6)
    if w.guarded and w.number(3) == 0:
        return f"note(out, {call})"
    name, arguments = call.split("{")
    return f"note(out, select(2, pcall({name}, {{{arguments})))"


def tracking(w: Writer) -> Statement:
    tool = w.pick("fetch", "refuse", "raw", "done", "pack_fetch")
    handle = w.pick("fetch", "raw", "pack.raw", "halt")
    return w.pick(
        f"note(out, Tool.called('{tool}'))",
        f"note(out, Tool.last_result('{tool}'))",
        f"note(out, Tool.last_call('{tool}'))",
        "note(out, Tool.get_call_count())",
        "note(out, Tool.get_all_calls())",
        f"note(out, {handle}.call_count())",
        f"{handle}.reset()",
        f"{handle}.reset() note(out, {handle}.called())",
    )


def lua_tools(w: Writer) -> Statement:
    call = w.pick("raw{x = %s}", "pack.raw{x = %s}", "Tool('raw'){x = %s}", "asks{x = %s}") % w.pick(*VALUES)
    return f"note(out, select(2, pcall(function() return {call} end)))"


def declared_ones(w: Writer) -> Statement:
    if not w.callables:
        return change_state(w)
    call = w.pick(*w.callables) % w.number(3)
    return w.pick(f"note(out, {call})", f"note(out, select(2, pcall(function() return {call} end)))")


def models(w: Writer) -> Statement:
    name = w.pick("length", "guess", "absent")
    return f"note(out, select(2, pcall(function() return Model('{name}'){{text = '{w.pick('a', 'bb', 'boom')}'}} end)))"


def mocks(w: Writer) -> Statement:
    name = w.pick("fetch", "raw", "guess", "absent", "first", "refuse")
    mock = w.pick(
        "returns = {1}", "temporal = {1, {2}, 3}", "error = 'no net'", "conditional = {{when = {x = 1}, returns = 2}}"
    )
    return f"Mocks{{{name} = {{{mock}}}}}"


def mocked(w: Writer) -> Statement:
    name = w.pick("fetch", "absent", "raw")
    return f"note(out, select(2, pcall(function() return Tool('{name}'){{x = {w.number(3)}}} end)))"


def declarations(w: Writer) -> Statement:
    return w.pick(
        f"Hitl('key', {{message = 'declared {w.number(3)}'}})",
        "note(out, select(2, pcall(Human.approve, {config_key = 'key'})))",
        f"note(out, unknown{w.number(3)})",
        "Specification('not run')",
    )


def people(w: Writer) -> Statement:
    return w.pick(
        f"note(out, Human.approve({w.name()}))",
        f"note(out, Human.input{{message = {w.name()}, placeholder = 'x'}})",
        f"note(out, Human.select{{message = {w.name()}, options = {{'p', 'q'}}}})",
        f"Human.escalate{{message = {w.name()}}}",
    )


def chance_and_time(w: Writer) -> Statement:
    return w.pick("note(out, math.random(1000))", "Sleep(0)", "note(out, os.time() > 0)", "Sleep(0.001)")


def journal(w: Writer) -> Statement:
    which = w.pick("0", "1", f"'s{w.number(12)}'", "'fetch'")
    return w.pick(
        f"note(out, Checkpoint.exists({which}))",
        f"note(out, Checkpoint.get({which}))",
        "note(out, Checkpoint.next_position())",
    )


def argument(w: Writer) -> Statement:
    return "note(out, given.x)" if w.given else "note(out, #out)"


# -- steps and errors --------------------------------------------------------------------------------------------------


def held_in_step(w: Writer) -> Statement:
    """A step changes a table of State, or a node, that was taken before it."""
    score = "held:set_score((held:score() or 0) + 1)"
    held, use = w.pick(
        "state.a\0if type(held) == 'table' and #held == 0 then held.h = 1 end",
        "state.list\0if type(held) == 'table' and #held > 0 then table.remove(held) end",
        f"GraphNode.current()\0if held then {score} GraphNode.create('under', nil, held) end",
    ).split("\0")
    body = f"{use} return type(held)"
    return f"do local held = {held}\nnote(out, Step.run({w.name()}, function() {body} end)) end"


def same_name(w: Writer) -> Statement:
    text = f"pcall(Step.run, 'same', function() State.increment('n') return {w.number(2)} end)"
    return f"note(out, select(2, {text}))"


def raised(w: Writer) -> Statement:
    if not w.guarded:
        return "Sleep(0)"
    return w.pick("error('raised')", "error({n = #out})", "error(state.a)", "if #out > 2 then error('long') end")


def fatal(w: Writer) -> Statement:
    """Now and then something ends the run."""
    if w.number(8):
        return "Sleep(0)"
    return w.pick("error('fatal')", "refuse{x = 1}", "give_up{x = 2}", "Stage.set('none')")


SIMPLE: tuple[Family, ...] = (
    change_state, change_state, read_state, stages, stop, notices, session, grow_graph, read_graph, python_tools,
    python_tools, python_tools, tracking, lua_tools, declared_ones, declared_ones, models, mocks, mocked, people,
    declarations, chance_and_time, journal, argument, raised, held_in_step, same_name, fatal,
)  # fmt: skip
