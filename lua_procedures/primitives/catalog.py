"""Every primitive of the language, described once: for help, completion and "did you mean"."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["PRIMITIVES", "Primitive", "primitive_names", "reference_page"]


class Primitive(NamedTuple):
    """One primitive.

    Attributes:
        name: dotted, as it is written.
        signature: its arguments.
        summary: what it does and returns, in a sentence.
    """

    name: str
    signature: str
    summary: str


PRIMITIVES: Final = tuple(
    Primitive(*row)
    for row in (
        ("Step.run", "(name, fn [, {inputs=}])", "fn's results, computed once and recorded under the name."),
        ("Step.checkpoint", "(fn)", "fn's results, computed once and recorded by position."),
        ("checkpoint", "(fn)", "The same as Step.checkpoint."),
        ("Checkpoint.exists", "(name or position)", "Whether the journal held that checkpoint when first asked."),
        ("Checkpoint.get", "(name or position)", "That checkpoint's result, or nil."),
        ("Checkpoint.clear_after", "(name or position)", "Forgets that checkpoint and all later ones."),
        ("Checkpoint.clear_all", "()", "Forgets all checkpoints; the next run starts from the beginning."),
        ("Checkpoint.next_position", "()", "The position that the next operation takes."),
        ("Human.approve", "{message=, context=, timeout=, default=false}", "Asks for a yes or no; a boolean."),
        (
            "Human.input",
            "{message=, placeholder=, options=, timeout=, default=, multiline=, response_schema=}",
            "Asks for a text, or a value by the schema; nil when it timed out with no default.",
        ),
        (
            "Human.select",
            '{message=, options=, mode="single", min=, max=, timeout=, default=}',
            "Asks for one of the options, or a list of them.",
        ),
        (
            "Human.review",
            "{message=, artifact=, artifact_type=, options=, timeout=, default=}",
            "Shows an artifact to judge and edit; {decision, feedback, edited_artifact, responded_at, timed_out}.",
        ),
        ("Human.multiple", "{ {id=, type=, message=, …}, … }", "Asks for several fields in one form; a table by id."),
        (
            "Human.escalate",
            '{message=, context=, severity="error"}',
            "Waits, without end, until a person has resolved it.",
        ),
        ("Human.notify", '{message=, content=, details=, level="info", context=}', "Shows something, at once."),
        ("System.alert", '{message=, level="info", source=, context=}', "Shows an alert, at once."),
        ("Hitl", "(key, {…})", "Declares options that a Human call takes by config_key."),
        ("State.get", "(key [, default])", "A value of the State, or the default."),
        ("State.set", "(key, value)", "Sets a value of the State."),
        ("State.all", "()", "A copy of the State."),
        ("State.append", "(key, value)", "Appends to a list of the State."),
        ("State.increment", "(key [, amount=1])", "Adds to a number of the State and returns the new value."),
        ("State.delete", "(key)", "Removes a key of the State."),
        ("State.clear", "()", "Removes all keys of the State."),
        ("state", ".key", "The State as a table."),
        ("Stages", "{name, …}", "Declares the stages in their order."),
        ("Stage.set", "(name)", "Moves to a stage."),
        ("Stage.advance", "([name])", "Moves to the next stage (or the named one) and returns it; nil at the end."),
        ("Stage.current", "()", "The current stage, or nil before any."),
        ("Stage.is", "(name)", "Whether that is the current stage."),
        ("Stage.history", "()", "Every move: {from_stage, to_stage, timestamp}."),
        ("Stage.count", "()", "How many moves there were."),
        ("Stage.progress", "()", "The current stage's place divided by the number declared; 0 before any."),
        ("Iterations.current", "()", "How many agent turns the run took."),
        ("Iterations.exceeded", "(n)", "Whether it took n turns or more."),
        ("Stop.requested", "()", "Whether a stop was asked for."),
        ("Stop.reason", "()", "Why, or nil."),
        ("Stop.success", "()", "Whether it counts as a success; true before any."),
        ("Stop.request", "(reason [, success=true])", "Asks the run to stop; it is polled, never automatic."),
        ("Log.debug", "(message [, context])", "Shows a line of the log."),
        ("Log.info", "(message [, context])", "Shows a line of the log."),
        ("Log.warn", "(message [, context])", "Shows a line of the log."),
        ("Log.warning", "(message [, context])", "Shows a line of the log."),
        ("Log.error", "(message [, context])", "Shows a line of the log."),
        ("print", "(…)", "Shows values in one line."),
        ("Json.encode", "(value)", "JSON text of a value."),
        ("Json.decode", "(text)", "The value of a JSON text."),
        ("Sleep", "(seconds)", "Waits, once; a replay does not wait again."),
        (
            "Procedure",
            "{input=, output=, state=, stages=, function(input) … end}",
            "Declares the main procedure.",
        ),
        ("input", "{field = field.string{…}, …}", "Declares the inputs; also the table that holds them."),
        ("params", "", "The inputs; the same table as input."),
        ("output", "{field = …} or one field", "Declares what the program returns."),
        ("field.string", "{required=, default=, description=, enum=}", "A field of a schema."),
        ("field.number", "{required=, default=, description=, enum=}", "A field of a schema."),
        ("field.integer", "{required=, default=, description=, enum=}", "A field of a schema."),
        ("field.boolean", "{required=, default=, description=}", "A field of a schema."),
        ("field.array", "{required=, default=, description=, items=}", "A field of a schema."),
        ("field.object", "{required=, default=, description=, fields=}", "A field of a schema."),
        ("array", "{…}", "Marks an empty table as a list."),
        ("object", "{…}", "Marks an empty table as a dict."),
        ("null", "", "Stands for nothing where a place in a list must stay."),
    )
)

_LUA: Final = (
    "assert", "coroutine", "error", "getmetatable", "ipairs", "load", "math", "next", "os", "pairs", "pcall",
    "rawequal", "rawget", "rawlen", "rawset", "select", "setmetatable", "string", "table", "tonumber", "tostring",
    "type", "unpack", "utf8", "xpcall",
)  # fmt: skip

_LIBRARIES: Final = {
    "coroutine": "close create isyieldable resume running status wrap yield",
    "math": "abs acos asin atan ceil cos deg exp floor fmod frexp huge ldexp log max maxinteger min mininteger modf "
    "pi rad random randomseed sin sqrt tan tointeger type ult",
    "os": "clock date difftime time",
    "string": "byte char find format gmatch gsub len lower match pack packsize rep reverse sub unpack upper",
    "table": "concat create insert move pack remove sort unpack",
    "utf8": "char charpattern codepoint codes len offset",
}


def reference_page() -> str:
    """The reference of all primitives, as Markdown: one table per family, in the order of the catalog."""
    lines = [
        "# Primitives",
        "",
        "Made from `lua_procedures/primitives/catalog.py`; Shift-Tab in a cell shows the same.",
    ]
    family = None
    for primitive in PRIMITIVES:
        owner = primitive.name.partition(".")[0] if "." in primitive.name else "Others"
        if owner != family:
            lines += ["", f"## {owner}", "", "| call | what it does |", "|---|---|"]
            family = owner
        call = f"{primitive.name}{primitive.signature}".replace("|", "\\|")
        lines.append(f"| `{call}` | {primitive.summary} |")
    return "\n".join(lines) + "\n"


def primitive_names() -> list[str]:
    """Every name a program can use: dotted names, their families, and Lua's own."""
    names = {primitive.name for primitive in PRIMITIVES}
    members = {f"{library}.{member}" for library, listed in _LIBRARIES.items() for member in listed.split()}
    return sorted(names | members | {name.partition(".")[0] for name in names} | set(_LUA))
