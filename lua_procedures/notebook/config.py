"""``%config Procedures.<trait>``: the defaults of the options of ``%%procedure``."""

from __future__ import annotations

from typing import Any

from traitlets import Bool, Dict, Float, Int, List, Unicode
from traitlets.config import Configurable

__all__ = ["Procedures"]


class Procedures(Configurable):
    """Defaults of the options of ``%%procedure``, each by the option's name; some can only be set here."""

    answers: Any = Unicode(None, allow_none=True, help="scripted answers: a variable, or default").tag(config=True)
    tools: Any = Unicode(None, allow_none=True, help="tools: variables, with commas between").tag(config=True)
    predictors: Any = Unicode(None, allow_none=True, help="a variable: a dict of predictors").tag(config=True)
    chat_model: Any = Unicode(None, allow_none=True, help="a variable: the chat model of agents").tag(config=True)
    mcp_servers: Any = Dict(help="MCP servers: name → command, args, env or url, headers").tag(config=True)
    prices: Any = Dict(help="model → money for a million tokens, as prompt and completion").tag(config=True)
    files: Any = Unicode(None, allow_none=True, help="the folder that File may use").tag(config=True)
    env_allowed: Any = List(Unicode(), help="environment variables that {env.NAME} may name").tag(config=True)
    record: Any = Unicode(None, allow_none=True, help="a folder of fixtures to write, one per run").tag(config=True)
    replay: Any = Unicode(None, allow_none=True, help="a folder of fixtures to run from").tag(config=True)
    no_wait: Any = Bool(False, help="do not hold the cell while a person is asked").tag(config=True)  # noqa: FBT003
    strict: Any = Bool(False, help="a changed checkpoint is an error").tag(config=True)  # noqa: FBT003
    quiet: Any = Bool(False, help="no live panel").tag(config=True)  # noqa: FBT003
    seed: Any = Int(None, allow_none=True, help="seed of math.random").tag(config=True)
    store: Any = Unicode("memory:", help="where journals are kept").tag(config=True)
    keep_runs: Any = Int(None, allow_none=True, help="how many journals of a run are kept").tag(config=True)
    keep_days: Any = Float(None, allow_none=True, help="after how many days an old journal goes").tag(config=True)
    max_seconds: Any = Float(30.0, help="CPU seconds of Lua between two checkpoints").tag(config=True)
    max_memory: Any = Float(256.0, help="memory of the Lua, in MB").tag(config=True)
    max_tokens: Any = Int(None, allow_none=True, help="beyond so many tokens a person is asked").tag(config=True)
