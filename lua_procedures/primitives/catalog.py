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


def _conversation(name: str) -> tuple[Primitive, ...]:
    message = must("message", _MESSAGE, options=(must("role", _ROLE), must("content", KEPT)))
    append = "Adds a message to the run's shared conversation; also (role, content)."
    return (
        Primitive(f"{name}.append", "state", append, (message,)),
        Primitive(f"{name}.inject_system", "state", "Adds a message of the role system.", (must("text", TEXT),)),
        Primitive(f"{name}.history", "state", "Copies of all messages: {role, content}."),
        Primitive(f"{name}.get", "state", f"The same as {name}.history."),
        Primitive(f"{name}.count", "state", "How many messages there are."),
        Primitive(f"{name}.clear", "state", "Removes all messages."),
    )


_ROWS: Final = (
    Primitive(
        "Step.run",
        "durable",
        "fn's results, computed once and recorded under the name.",
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
    Primitive("State.get", "state", "A value of the State, or the default.", (_KEY, may("default", ANY))),
    Primitive(
        "State.set", "state", "Sets a value of the State; nil removes it.", (_KEY, may("value", KEPT)), "(key, value)"
    ),
    Primitive("State.all", "state", "A copy of the State."),
    Primitive("State.append", "state", "Appends to a list of the State.", (_KEY, must("value", KEPT))),
    Primitive(
        "State.increment",
        "state",
        "Adds to a number of the State and returns the new value.",
        (_KEY, may("amount", NUMBER, "1")),
    ),
    Primitive("State.delete", "state", "Removes a key of the State.", (_KEY,)),
    Primitive("State.clear", "state", "Removes all keys of the State."),
    Primitive("state", "value", "The State as a table.", (_KEY, may("value", KEPT)), ".key"),
    Primitive(
        "Stages",
        "declaration",
        "Declares the stages in their order.",
        (must("names", Expected("a non-empty list of names", "table", "list", filled=True)),),
        takes="{name, …}",
    ),
    Primitive("Stage.set", "state", "Moves to a stage.", (_STAGE,)),
    Primitive(
        "Stage.advance",
        "state",
        "Moves to the next stage (or the named one) and returns it; nil at the end.",
        (may("name", NAME),),
    ),
    Primitive("Stage.current", "state", "The current stage, or nil before any."),
    Primitive("Stage.is", "state", "Whether that is the current stage.", (_STAGE,)),
    Primitive("Stage.history", "state", "Every move: {from_stage, to_stage, timestamp}."),
    Primitive("Stage.count", "state", "How many moves there were."),
    Primitive("Stage.progress", "state", "The current stage's place divided by the number declared; 0 before any."),
    Primitive(
        "GraphNode.create",
        "state",
        "Adds a node below the parent, else below the current node, and returns it. It has id, label, content, "
        "children(), parent(), score(), set_score(n), metadata() and set_metadata(key, value); where plain data is "
        "needed it is its record {id, label, content, parent_id, score, metadata}.",
        (
            must("content", KEPT, options=(may("label", TEXT), may("score", _SCORE))),
            may("metadata", Expected("a table with named keys", "table", "named")),
            may("parent", _NODE),
        ),
        "(content [, metadata [, parent]]) or {label=, content=, parent=, score=, …}",
    ),
    Primitive("GraphNode.root", "state", "The first node, or nil before any."),
    Primitive("GraphNode.current", "state", "The current node, or nil before any."),
    Primitive(
        "GraphNode.set_current",
        "state",
        "Makes a node the current one; false for an unknown id.",
        (must("node", _NODE),),
    ),
    Primitive("GraphNode.get", "state", "The node of that id, or nil.", (must("id", TEXT),)),
    Primitive("Iterations.current", "state", "How many agent turns the run took."),
    Primitive("Iterations.exceeded", "state", "Whether it took n turns or more.", (must("n", NUMBER),)),
    Primitive("Stop.requested", "state", "Whether a stop was asked for."),
    Primitive("Stop.reason", "state", "Why, or nil."),
    Primitive("Stop.success", "state", "Whether it counts as a success; true before any."),
    Primitive(
        "Stop.request",
        "state",
        "Asks the run to stop; it is polled, never automatic.",
        (must("reason", TEXT), may("success", BOOLEAN, "true")),
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
