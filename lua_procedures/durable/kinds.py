"""Plain words for the kinds of checkpoints, wherever people read; the data keeps the kinds."""

from __future__ import annotations

from typing import Final

__all__ = ["called", "word_of"]

#: Kinds that are called otherwise; all others are their own word.
_WORDS: Final = {
    "agent_turn": "agent",
    "human": "person",
    "model_call": "model",
    "model_predict": "predictor",
    "procedure_call": "procedure",
    "tool_call": "tool",
}
#: The same before a name in a sentence, where it is another.
_BEFORE_NAMES: Final = {"human": "question"}


def word_of(kind: str) -> str:
    """What a kind is called: ``tool`` for ``tool_call``."""
    return _WORDS.get(kind, kind)


def called(kind: str, name: str, agent: str = "") -> str:
    """What a checkpoint is called in a sentence: ``tool "search"``, ``agent "writer"``, ``question "Ship it?"``.

    Args:
        kind: the checkpoint's.
        name: the checkpoint's; without one the word alone is said.
        agent: whose turn a model call belongs to: the agent says more than the model's name.
    """
    if kind == "model_call" and agent:
        return f'the model call of agent "{agent}"'
    word = _BEFORE_NAMES.get(kind, word_of(kind)) if name else word_of(kind)
    return f'{word} "{name}"' if name else word
