"""Which chat model answers an agent: given for the run, the session's, or made by name through LangChain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from ..errors import ModelError, UsageError
from .failures import model_error

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["ChatModels", "identity_of", "model_label"]

_ANY: Final = "*"
_EXTRAS: Final = ("anthropic", "ollama", "openai")

#: What providers' packages say where there is no key.
_KEY_MISSING: Final = re.compile(r"api[_ -]?key|credential|token", re.IGNORECASE)

_NAMED: Final = "Name it with its provider, as in openai/gpt-4o-mini"

#: Where the classes keep the name of the model that they call.
_NAMES: Final = ("model_name", "model", "model_id", "deployment_name", "repo_id")


class ChatModels:
    """All chat models that a run can name.

    Args:
        given: name, ``"provider/model"``, or ``"*"`` for any → chat model, for this run.
        default: the chat model of agents that name none.
        session: as ``given``, of the session: looked up after it.
        recorded: the ``identities`` of an earlier pass: they stand in where nothing answers that name now.
        replayed: the ``identities`` of a fixture that answers instead of all models; a key that it does not have
            stands for itself. None where models answer.

    Raises:
        UsageError: a name is no text.

    Attributes:
        identities: key → identity, of every model that was asked for.
    """

    def __init__(
        self,
        given: Mapping[str, Any] | None = None,
        default: Any | None = None,
        session: Mapping[str, Any] | None = None,
        recorded: Mapping[str, str] | None = None,
        replayed: Mapping[str, str] | None = None,
    ) -> None:
        self._sources = (given or {}, session or {})
        for source, named in zip(("chat_models", "get_session().chat_models"), self._sources, strict=True):
            for name in named:
                if not isinstance(name, str):
                    raise UsageError(f"{source}: names must be text, got {name!r}")
        self._default = default
        self._recorded = recorded or {}
        self._replayed = replayed
        self._made: dict[str, BaseChatModel] = {}
        self.identities: dict[str, str] = {}

    @property
    def names(self) -> list[str]:
        """What is given by name, and ``""`` where agents that name none are answered."""
        given = {name for source in self._sources for name in source}
        return sorted(given if self._default is None else {"", *given})

    def identity(self, name: str | None = None, provider: str | None = None) -> str:
        """Which model answers, as text without keys and addresses; none is made for that.

        Args:
            name: the agent's model, alone or as ``"provider/model"``; None where it names none.
            provider: the agent's provider.

        Raises:
            ModelError: none answers, and none is recorded.
            UsageError: what was given under that name is no chat model.
        """
        key = model_label(name, provider)
        found = self._found(name, provider) if self._replayed is None else None
        if self._replayed is not None:
            identity = self._replayed.get(key, key)
        elif found is not None:
            identity = identity_of(found)
        elif name and _is_langchain_here():
            identity = key
        elif key in self._recorded:
            identity = self._recorded[key]
        else:
            raise self._unknown(name, provider)
        self.identities[key] = identity
        return identity

    def get(self, name: str | None = None, provider: str | None = None) -> BaseChatModel:
        """The model that answers; one that is made by name is made once.

        Raises:
            ModelError: none does, its package is not installed, or it cannot be made, such as for want of a key.
            UsageError: what was given under that name is no chat model.
        """
        found = self._found(name, provider)
        if found is not None:
            return found
        if not name or not _is_langchain_here():
            raise self._unknown(name, provider)
        key = model_label(name, provider)
        if key not in self._made:
            self._made[key] = _made(name, provider)
        return self._made[key]

    def _found(self, name: str | None, provider: str | None) -> BaseChatModel | None:
        """The instance that was given under the name, or None."""
        if not name and self._default is not None:
            return _checked("chat_model", self._default)
        keys = [*_keys(name, provider), _ANY]
        for models in self._sources:
            for key in keys:
                if models.get(key) is not None:
                    return _checked(f"chat_models[{key!r}]", models[key])
        return None

    def _unknown(self, name: str | None, provider: str | None) -> ModelError:
        known = ", ".join(sorted({key for models in self._sources for key in models})) or "none"
        if not name:
            return ModelError(
                f"the agent names no model, and none is given for such agents; known: {known}",
                hint='Name one, as in model="openai/gpt-4o-mini", or give one by --chat-model, chat_model=… or '
                'get_session().chat_models["*"].',
            )
        provider, _ = _parts(name, provider)
        extra = provider if provider in _EXTRAS else "openai"
        return ModelError(
            f"the chat model {model_label(name, provider)!r} is not known; known: {known}",
            hint=f'Give it as get_session().chat_models["{name}"] or chat_models={{"{name}": …}}, name none and use '
            f'--chat-model, or have it made by name: pip install "lua-procedures[{extra}]".',
        )


def identity_of(model: BaseChatModel) -> str:
    """Which model an instance is: its class, and the name of the model that it calls."""
    names = (getattr(model, attribute, None) for attribute in _NAMES)
    name = next((each for each in names if isinstance(each, str) and each), "")
    return f"{type(model).__name__} {name}".rstrip()


def model_label(name: str | None, provider: str | None) -> str:
    """What an agent names, in one form: ``provider/model``, the model alone, or ``*`` where it names none."""
    if not name:
        return _ANY
    provider, name = _parts(name, provider)
    return f"{provider}/{name}" if provider else name


def _parts(name: str, provider: str | None) -> tuple[str | None, str]:
    """The provider and the model; ``openai/gpt-4o-mini`` and ``openai:gpt-4o-mini`` name both."""
    if provider:
        return provider, name.removeprefix(f"{provider}/").removeprefix(f"{provider}:")
    for mark in "/:":
        head, found, rest = name.partition(mark)
        if found and head and rest:
            return head, rest
    return None, name


def _keys(name: str | None, provider: str | None) -> Iterator[str]:
    """The names under which the model may be given, the most exact first."""
    if name:
        yield model_label(name, provider)
        yield name
        yield _parts(name, provider)[1]


def _is_langchain_here() -> bool:
    return find_spec("langchain") is not None


def _with_article(name: str) -> str:
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"


def _checked(source: str, value: Any) -> BaseChatModel:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable

    if isinstance(value, BaseChatModel):
        return value
    kind = _with_article(type(value).__name__)
    if isinstance(value, type):
        raise UsageError(f"{source}: a LangChain chat model expected, got the class {value.__name__}: give an instance")
    if isinstance(value, Runnable):
        raise UsageError(
            f"{source}: a LangChain chat model expected, got {kind}, which is a Runnable around one or without one",
            hint="Give the chat model itself; its settings go to the agent, as in model={name=, temperature=}.",
        )
    raise UsageError(f"{source}: a LangChain chat model expected, got {kind}")


def _made(name: str, provider: str | None) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    label = model_label(name, provider)
    if "/" in name and not provider:
        provider, name = _parts(name, None)
    try:
        return init_chat_model(name, model_provider=provider)
    except ImportError as error:
        extra = _parts(name, provider)[0]
        failed = model_error(label, error)
        if extra in _EXTRAS:
            failed.hint = f'pip install "lua-procedures[{extra}]"'
        raise failed from error
    except Exception as error:
        failed = model_error(label, error)
        source = "Its key is taken from the environment" if _KEY_MISSING.search(str(error)) else _NAMED
        failed.hint = f"{source}; or give a model of your own by get_session().chat_models."
        raise failed from error
