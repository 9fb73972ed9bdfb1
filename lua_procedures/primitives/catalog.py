"""Every primitive of the language, described once.

Help, completion, "did you mean", the messages about wrong arguments (in Lua and in Python) and docs/primitives.md are
all made from this table, and ``tests/conformance/test_misuse_generated.py`` tries every wrong argument of every row.

The rows of what people are asked stand in ``asking.py``, those of what a program declares in ``declaring.py``. A row is
``Primitive(name, kind, summary, arguments)``:

- ``must(name, expected)`` is a required argument, ``may(name, expected, default)`` an optional one. ``expected`` is one
  of the words of ``rows.py``, ``one_of(…)`` them, or an ``Expected(…)`` where the row needs its own words.
- A table of named options is one argument with ``options=(may(…), …)``; a list of tables has ``items=(…)``. Names are
  unique within a primitive, those of options included, since an error says only the option's.
- ``takes=`` replaces the signature where arguments do not tell it.
- ``same("MessageHistory.get", "Session.history")`` describes another name of a primitive above it.

In Lua, ``kit.misuse(primitive, argument, value)`` raises the error for a row's argument, after an inline check where
speed counts; ``kit.check(primitive, argument, value)`` checks by the row and raises; ``kit.check_options(primitive,
argument, options)`` checks a table and each option in it. In Python it is
``misuse.check_options``.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from .agents import AGENTS
from .asking import ASKING
from .declaring import DECLARING
from .rows import (
    ANY,
    BOOLEAN,
    CHECKPOINT,
    FUNCTION,
    KEPT,
    NAME,
    NUMBER,
    OPTIONS,
    SECONDS,
    TEXT,
    Argument,
    Expected,
    Primitive,
    may,
    must,
    one_of,
    same,
)

__all__ = ["PRIMITIVES", "primitive"]

_KEY: Final = must("key", TEXT)
_NODE: Final = Expected("a node or its id", "string table", "any")
_SCORE: Final = Expected("a finite number", "number")
_STAGE: Final = must("name", NAME)
_STEP: Final = must("fn", FUNCTION)
_WHICH: Final = must("checkpoint", CHECKPOINT)
_LOGGED: Final = (may("message", ANY), may("context", ANY))
_MARKED: Final = (may("table", Expected("a table", "table", "any")),)


_ROLE: Final = one_of("system", "user", "assistant", "tool")
_MESSAGE: Final = Expected("a role or a message {role=, content=}", "string table", "named")
_PATH: Final = must("path", NAME)


def _state(name: str, summary: str, *arguments: Argument, takes: str | None = None) -> Primitive:
    """A row of what belongs to the run."""
    return Primitive(name, "state", summary, arguments, takes)


def _conversation(name: str) -> tuple[Primitive, ...]:
    message = must("message", _MESSAGE, options=(must("role", _ROLE), must("content", KEPT)))
    append = "Adds a message to the run's shared conversation; also (role, content)."
    return (
        _state(f"{name}.append", append, message),
        _state(f"{name}.inject_system", "Adds a message of the role system.", must("text", TEXT)),
        _state(f"{name}.history", "Copies of all messages: {role, content}."),
        _state(f"{name}.get", f"The same as {name}.history."),
        _state(f"{name}.count", "How many messages there are."),
        _state(f"{name}.clear", "Removes all messages."),
    )


_ROWS: Final = (
    Primitive(
        "Step.run",
        "durable",
        "fn's results, computed once and recorded under the name, which no other step has.",
        (must("name", NAME), _STEP, may("options", OPTIONS, options=(may("inputs", KEPT),))),
    ),
    Primitive("Step.checkpoint", "durable", "fn's results, computed once and recorded by position.", (_STEP,)),
    same("checkpoint", "Step.checkpoint"),
    Primitive("Checkpoint.exists", "journal", "Whether the journal held that checkpoint when first asked.", (_WHICH,)),
    Primitive("Checkpoint.get", "journal", "That checkpoint's result, or nil.", (_WHICH,)),
    Primitive("Checkpoint.clear_after", "journal", "Forgets that checkpoint and all later ones.", (_WHICH,)),
    Primitive("Checkpoint.clear_all", "journal", "Forgets all checkpoints; the next run starts from the beginning."),
    Primitive("Checkpoint.next_position", "journal", "The position that the next operation takes."),
    *ASKING,
    _state("State.get", "A value of the State, or the default.", _KEY, may("default", ANY)),
    _state("State.set", "Sets a value of the State; nil removes it.", _KEY, may("value", KEPT), takes="(key, value)"),
    _state("State.all", "A copy of the State."),
    _state("State.append", "Appends to a list of the State.", _KEY, must("value", KEPT)),
    _state(
        "State.increment", "Adds to a number of the State and returns the new value.", _KEY, may("amount", NUMBER, "1")
    ),
    _state("State.delete", "Removes a key of the State.", _KEY),
    _state("State.clear", "Removes all keys of the State."),
    Primitive("state", "value", "The State as a table.", (_KEY, may("value", KEPT)), ".key"),
    Primitive(
        "Stages",
        "declaration",
        "Declares the stages in their order.",
        (must("names", Expected("a non-empty list of names", "table", "list", filled=True)),),
        takes="{name, …}",
    ),
    _state("Stage.set", "Moves to a stage.", _STAGE),
    _state(
        "Stage.advance", "Moves to the next stage (or the named one) and returns it; nil at the end.", may("name", NAME)
    ),
    _state("Stage.current", "The current stage, or nil before any."),
    _state("Stage.is", "Whether that is the current stage.", _STAGE),
    _state("Stage.history", "Every move: {from_stage, to_stage, timestamp}."),
    _state("Stage.count", "How many moves there were."),
    _state("Stage.progress", "The current stage's place divided by the number declared; 0 before any."),
    _state(
        "GraphNode.create",
        "Adds a node below the parent, else below the current node, and returns it. It has id, label, content, "
        "children(), parent(), score(), set_score(n), metadata() and set_metadata(key, value); where plain data is "
        "needed it is its record {id, label, content, parent_id, score, metadata}.",
        must("content", KEPT, options=(may("label", TEXT), may("score", _SCORE))),
        may("metadata", Expected("a table with named keys", "table", "named")),
        may("parent", _NODE),
        takes="(content [, metadata [, parent]]) or {label=, content=, parent=, score=, …}",
    ),
    _state("GraphNode.root", "The first node, or nil before any."),
    _state("GraphNode.current", "The current node, or nil before any."),
    _state("GraphNode.set_current", "Makes a node the current one; false for an unknown id.", must("node", _NODE)),
    _state("GraphNode.get", "The node of that id, or nil.", must("id", TEXT)),
    _state("Iterations.current", "How many agent turns the run took."),
    _state("Iterations.exceeded", "Whether it took n turns or more.", must("n", NUMBER)),
    _state("Stop.requested", "Whether a stop was asked for."),
    _state("Stop.reason", "Why, or nil."),
    _state("Stop.success", "Whether it counts as a success; true before any."),
    _state(
        "Stop.request",
        "Asks the run to stop; it is polled, never automatic.",
        must("reason", TEXT),
        may("success", BOOLEAN, "true"),
    ),
    *(
        Primitive(f"Log.{level}", "shown", "Shows a line of the log.", _LOGGED, "(message [, context])")
        for level in ("debug", "info", "warn", "warning", "error")
    ),
    Primitive("print", "shown", "Shows values in one line.", takes="(…)"),
    Primitive("Json.encode", "pure", "JSON text of a value.", (may("value", KEPT),), "(value)"),
    Primitive("Json.decode", "pure", "The value of a JSON text.", (must("text", TEXT),)),
    Primitive("Sleep", "durable", "Waits, once; a replay does not wait again.", (must("seconds", SECONDS),)),
    *_conversation("Session"),
    *_conversation("MessageHistory"),
    Primitive("File.read", "durable", "The text of a file of the run's folder.", (_PATH,)),
    Primitive(
        "File.write",
        "durable",
        "Replaces a file of the run's folder as a whole; creates the folders on the way. true.",
        (_PATH, must("text", TEXT)),
    ),
    Primitive("File.exists", "durable", "Whether a file is there; false for a folder.", (_PATH,)),
    Primitive("File.size", "durable", "How many bytes a file has; an error where there is none.", (_PATH,)),
    Primitive(
        "Retry.with_backoff",
        "durable",
        "fn's results; while it fails it is called again after waits that grow. Each wait is a Sleep.",
        (
            must("fn", FUNCTION),
            may(
                "options",
                OPTIONS,
                options=(
                    may("max_attempts", Expected("a whole number (1 or more)", "number", whole=True, least=1), "3"),
                    may("initial_delay", SECONDS, "1"),
                    may("max_delay", SECONDS, "60"),
                    may("backoff_factor", Expected("a number (0 or more)", "number", least=0), "2"),
                    may("jitter", BOOLEAN, "false"),
                    may("on_error", FUNCTION),
                ),
            ),
        ),
    ),
    *DECLARING,
    *AGENTS,
    Primitive("array", "pure", "Marks an empty table as a list.", _MARKED, "{…}"),
    Primitive("object", "pure", "Marks an empty table as a dict.", _MARKED, "{…}"),
    Primitive("null", "value", "Stands for nothing where a place in a list must stay."),
)


def _filled(row: Primitive) -> Primitive:
    """A row with what it shares with the one whose other name it is."""
    if not row.same_as:
        return row
    other = next(each for each in _ROWS if each.name == row.same_as)
    return other._replace(name=row.name, summary=row.summary, same_as=other.name)


#: Every primitive, in the order of the reference.
PRIMITIVES: Final = tuple(map(_filled, _ROWS))


@cache
def _by_name() -> dict[str, Primitive]:
    return {each.name: each for each in PRIMITIVES}


def primitive(name: str) -> Primitive:
    """The row of a name.

    Raises:
        KeyError: there is none.
    """
    return _by_name()[name]
