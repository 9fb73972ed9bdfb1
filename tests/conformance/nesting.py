"""The statements of random programs that have others inside them, and what such a program declares."""

from __future__ import annotations

from .families import (
    SIMPLE,
    VALUES,
    journal,
    notices,
    read_state,
    session,
    stages,
    stop,
    tracking,
)  # fmt: skip
from .writing import Block, Family, Statement, Writer

__all__ = ["FAMILIES", "declared"]


def step(w: Writer) -> Statement:
    if not w.may_nest():
        return read_state(w)
    held = w.pick("state.a", "state.list", "#out", "GraphNode.current()", "nil")
    call = w.pick(f"Step.run({w.name()}, ", "checkpoint(")
    head = f"do local held = {held}\nnote(out, {call}function()\nlocal out = {{}}"
    return w.inside(head, f"{w.pick('note(out, held)', '')}\nreturn {w.pick('out', 'out, 2', '#out')} end)) end")


def failing_step(w: Writer) -> Statement:
    if not w.may_nest():
        return notices(w)
    error = w.pick("'boom'", "{code = 5}", "'plain', 0", "out")
    head = f"note(out, select(2, pcall(Step.run, {w.name()}, function()\nlocal out = {{}}"
    return w.inside(head, f"error({error}) end)))", guarded=True)


def used_result(w: Writer) -> Statement:
    """A step's result is the program's own, and may become part of State."""
    if not w.may_nest():
        return read_state(w)
    use = w.pick("state.b = got", "table.insert(got, 1, 9) State.append('list', got)", "got.x = state.a")
    head = f"do local got = Step.run({w.name()}, function()\nlocal out = {{}}"
    result = w.pick("state.a", "state.list", "out", "{}")
    tail = f"return {result} end)\nif type(got) == 'table' and #got == 0 then {use} end\nnote(out, got) end"
    return w.inside(head, tail)


def caught(w: Writer) -> Statement:
    if not w.may_nest():
        return session(w)
    return w.inside("note(out, select(2, pcall(function()", "end)))", guarded=True)


def retry(w: Writer) -> Statement:
    if not w.may_nest():
        return stop(w)
    tries = w.variable()
    options = w.pick("initial_delay = 0", "initial_delay = 0.001, jitter = true", "max_attempts = 2, base_delay = 0")
    return w.inside(
        f"do local {tries} = 0\nnote(out, select(2, pcall(Retry.with_backoff, function()\n{tries} = {tries} + 1",
        f"if {tries} < {w.number(4)} then error('again') end return {tries} end, {{{options}}}))) end",
        guarded=True,
        loop=tries,
    )


def loop(w: Writer) -> Statement:
    if not w.may_nest():
        return stages(w)
    variable = w.variable()
    return w.inside(f"for {variable} = 1, {1 + w.number(3)} do", "end", loop=variable)


def coroutine(w: Writer) -> Statement:
    if not w.may_nest():
        return tracking(w)
    if w.number(2):
        return w.inside("coroutine.wrap(function()", "end)()")
    first, between, second = (w.inside("do", "end") for _ in range(3))
    body = (first, "coroutine.yield()", second, "end)", "co()", between)
    return Block("do local co = coroutine.wrap(function()", body, "co() end")


def callback(w: Writer) -> Statement:
    """Callbacks of Lua's own functions, metamethods and iterators."""
    if not w.may_nest():
        return journal(w)
    key = w.variable()
    head, tail = w.pick(
        "note(out, (('x'):gsub('.', function(c)\0return 'y' end)))",
        "table.sort({2, 1}, function(a, b)\0return a < b end)",
        "note(out, setmetatable({}, {__index = function()\0return #out end}).x)",
        f"for {key} in pairs(state) do\0end",
        f"for {key} in pairs({{'x', 'y'}}) do\0end",
    ).split("\0")
    return w.inside(head, tail, loop=key if key in head else "")


# -- what a program declares ---------------------------------------------------------------------------------------


def declared(w: Writer, name: str) -> Block:
    """A tool or a procedure, which may call those declared before it, or itself."""
    spelling = w.pick("tool", "tool", "procedure", "named", "recursive")
    head = {
        "tool": f"{name} = Tool {{ input = {{x = 'integer'}}, function(given)",
        "procedure": f"{name} = Procedure {{ input = {{x = 'integer'}}, function(given)",
        "named": f"Procedure '{name}' {{ state = {{a = {w.pick(*VALUES)}}}, function(given)",
        "recursive": f"Procedure '{name}' {{ function(given)",
    }[spelling]
    again = f"if given.x > 0 then note(out, Procedure('{name}'){{x = given.x - 1}}) end"
    block = w.inside(
        f"{head}\nlocal out = {{}}",
        f"{again if spelling == 'recursive' else ''}\nreturn {w.pick('out', 'out', 'state.list')} end }}",
        apart=True,
    )
    called = {"tool": f"{name}{{x = %d}}", "procedure": f"{name}.run{{x = %d}}"}
    w.callables.append(called.get(spelling, f"Procedure('{name}'){{x = %d}}"))
    return block


NESTING: tuple[Family, ...] = (
    step, step, step, step, failing_step, failing_step, caught, retry, loop, coroutine, callback, used_result,
)  # fmt: skip
FAMILIES: tuple[Family, ...] = SIMPLE + NESTING
