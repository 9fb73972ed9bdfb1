"""The rows of the catalog for declarations: procedures, schemas, tools, models, and what stands in for them."""

from __future__ import annotations

from typing import Final

from .rows import (
    ANY,
    BOOLEAN,
    FUNCTION,
    KEPT,
    LIST,
    NAME,
    OPTIONS,
    SECONDS,
    TEXT,
    Argument,
    Expected,
    Primitive,
    may,
    must,
    one_of,
)

__all__ = ["DECLARING"]

_SCHEMA: Final = Expected("a table of fields", "table", "named")
_OUTPUT: Final = Expected("a table of fields or one field", "string table", "named")
_FIELD: Final = (may("required", BOOLEAN, "false"), may("default", KEPT), may("description", TEXT))
_ENUM: Final = may("enum", LIST)
_NAMED: Final = must("name", TEXT)
_LISTED: Final = ("declaration", "Is accepted and listed in the record; it is not run.", (may("title", ANY),), "(…)")


def _field(kind: str, *options: Argument) -> Primitive:
    taken = (may("options", OPTIONS, options=(*_FIELD, *options)),)
    return Primitive(f"field.{kind}", "declaration", "A field of a schema.", taken)


def _declaration(name: str, summary: str, parts: str, *options: Argument, takes: str) -> Primitive:
    """A row of what a table of parts declares; ``parts`` says what is expected, a name or that table."""
    return Primitive(
        name, "declaration", summary, (must("parts", Expected(parts, "table string"), options=options),), takes
    )


DECLARING: Final = (
    _declaration(
        "Procedure",
        "Declares the main procedure, or one with a name that can be called; Procedure(name) gives that one.",
        "a name or a table with a function",
        may("input", _SCHEMA),
        may("output", _OUTPUT),
        may("state", _SCHEMA),
        may("stages", Expected("a non-empty list of names", "table", "list", filled=True)),
        may("run", FUNCTION),
        may("name", TEXT),
        may("description", TEXT),
        takes="{input=, output=, state=, stages=, function(input) … end}",
    ),
    Primitive(
        "input",
        "declaration",
        "Declares the inputs; also the table that holds them.",
        (must("fields", _SCHEMA),),
        takes="{field = field.string{…}, …}",
    ),
    Primitive("params", "value", "The inputs; the same table as input."),
    Primitive(
        "output",
        "declaration",
        "Declares what the program returns.",
        (must("fields", _OUTPUT),),
        takes="{field = …} or one field",
    ),
    _field("string", _ENUM),
    _field("number", _ENUM),
    _field("integer", _ENUM),
    _field("boolean"),
    _field("array", may("items", _OUTPUT)),
    _field("object", may("fields", _SCHEMA)),
    _declaration(
        "Tool",
        "Declares a tool, named by the variable it is assigned to; Tool(name) gives one that is known.",
        "a tool's name or a table with a function",
        may("name", TEXT),
        may("description", TEXT),
        may("input", _SCHEMA),
        may("output", _OUTPUT),
        may("handler", FUNCTION),
        may("requires_approval", BOOLEAN, "false"),
        takes="{description=, input=, output=, requires_approval=false, function(args) … end} or (name)",
    ),
    Primitive("Tool.get", "declaration", "The tool of a name.", (_NAMED,)),
    Primitive("Tool.called", "state", "Whether a tool was called.", (_NAMED,)),
    Primitive("Tool.last_call", "state", "The last call of a tool: {name, args, result}; nil before any.", (_NAMED,)),
    Primitive("Tool.last_result", "state", "What the last call of a tool gave; nil before any.", (_NAMED,)),
    Primitive("Tool.get_call_count", "state", "How often a tool, or any tool, was called.", (may("name", TEXT),)),
    Primitive("Tool.get_all_calls", "state", "Every call of a tool: {name, args, result}."),
    _declaration(
        "Toolset",
        "Bundles tools; Toolset(name) gives a bundle that was declared.",
        "a name or a table with tools",
        must("tools", Expected("a table of tools", "table")),
        takes="{tools = {…}} or (name)",
    ),
    _declaration(
        "Model",
        "Declares a model, or gives the one of a name; model{…}.output is its prediction, a checkpoint. features lists "
        "the inputs in their order, for an estimator that was not trained on named columns.",
        "a model's name or a table with type",
        must("type", one_of("http", "mock", "python", "registry", "sklearn")),
        may("name", TEXT),
        may("description", TEXT),
        may("endpoint", TEXT),
        may("headers", Expected("a table of texts by name", "table", "named")),
        may("timeout", SECONDS),
        may("value", KEPT),
        may("features", Expected("a list of names", "table", "list")),
        may("input", _SCHEMA),
        may("output", _OUTPUT),
        takes="{type=, endpoint=, headers=, timeout=, value=, features=} or (name)",
    ),
    Primitive(
        "Mocks",
        "declaration",
        "Says what stands in for tools, models and agents, whoever calls them.",
        (must("declarations", Expected("a table of mocks by name", "table", "named")),),
        takes="{tool = {error=, conditional=, temporal=, returns=}, "
        "agent = {message=, tool_calls=, data=, usage=, temporal=, error=}, …}",
    ),
    Primitive(
        "require",
        "declaration",
        "What a cell of --define, a file beside the program or a module of ours gives; loaded once.",
        (must("name", NAME),),
    ),
    Primitive("default_provider", "declaration", "The provider of agents that name none.", (_NAMED,)),
    Primitive("default_model", "declaration", "The model of agents that name none.", (_NAMED,)),
    *(Primitive(name, *_LISTED) for name in ("Specification", "Specifications", "Evaluation", "Evaluations")),
)
