"""The rows of the catalog for agents."""

from __future__ import annotations

from typing import Final

from . import rows
from .rows import Expected, Primitive, may, must

__all__ = ["AGENTS"]

_TOOLS: Final = Expected("a list of tools and names", "table", "list")
_SPOKEN: Final = Expected("a text or content blocks", "string number table")
_SETTINGS: Final = (
    may("temperature", rows.NUMBER),
    may("max_tokens", rows.COUNT),
    may("top_p", rows.NUMBER),
    may("top_k", rows.COUNT),
    may("seed", rows.NUMBER),
    may("stop", Expected("a text or a list of texts", "string table", "list")),
    may("timeout", rows.SECONDS),
    may("presence_penalty", rows.NUMBER),
    may("frequency_penalty", rows.NUMBER),
    may("reasoning_effort", rows.TEXT),
)
_FIELDS: Final = (
    may("system_prompt", Expected("a string or a function", "string function")),
    may("initial_message", rows.TEXT),
    may("model", Expected("a model's name or a table with name", "string table", "named")),
    may("provider", rows.TEXT),
    may("tools", _TOOLS),
    may("toolsets", _TOOLS),
    may("output", Expected("a table of fields or one field", "string table", "named")),
    may("prepare", rows.FUNCTION),
    may("tool_choice", rows.TEXT),
    may("max_tool_rounds", rows.COUNT, "16"),
    may("retry", Expected("a number of attempts or a table of options", "number table")),
    may("history", rows.BOOLEAN, "true"),
    may("name", rows.TEXT),
    may("description", rows.TEXT),
    *_SETTINGS,
)
_OPTIONS: Final = (
    may("message", _SPOKEN),
    may("inject", _SPOKEN),
    may("tools", _TOOLS),
    may("toolsets", _TOOLS),
    may("model", rows.TEXT),
    may("provider", rows.TEXT),
    may("tool_choice", rows.TEXT),
    may("max_tool_rounds", rows.COUNT),
    may("history", rows.BOOLEAN),
    *_SETTINGS,
)

AGENTS: Final = (
    Primitive(
        "Agent",
        "declaration",
        "Declares an agent, named by the variable it is assigned to; Agent(name) gives one that is declared. A call "
        "is a turn: model call, the tools it asks for, again, until text or done. agent{…} gives {output, content, "
        "tool_calls, usage, error}; each model call and each tool call is a checkpoint.",
        (must("parts", Expected("an agent's name or a table of its fields", "table string"), options=_FIELDS),),
        takes="{system_prompt=, model=, provider=, tools=, output=, prepare=, initial_message=, …} or (name)",
    ),
    Primitive(
        "Agent.turn",
        "durable",
        "A turn of an agent, as agent(message), agent{…} or agent.turn{…}.",
        (may("options", Expected("a message or a table of options", "string table", "any"), options=_OPTIONS),),
        takes="{message=, inject=, tools=, model=, temperature=, max_tokens=, history=, …}",
    ),
)
