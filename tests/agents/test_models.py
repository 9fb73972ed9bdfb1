"""Which chat model answers an agent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from langchain_core.runnables import RunnableLambda
from langchain_openai import ChatOpenAI

from lua_procedures import ModelError, UsageError
from lua_procedures.agents import models
from lua_procedures.agents.models import ChatModels, identity_of, model_label
from lua_procedures.testing import ScriptedChatModel


def scripted(name):
    """A model that can be told from others."""
    return ScriptedChatModel(model_name=name)


def found(chat_models, *named):
    """The name of the model that answers."""
    return chat_models.get(*named).model_name


@pytest.fixture
def without_langchain(monkeypatch):
    """As where only langchain-core is installed."""
    monkeypatch.setattr(models, "find_spec", lambda name: None)


@pytest.mark.parametrize(
    "named",
    [("gpt-4o-mini", "openai"), ("openai/gpt-4o-mini", None), ("openai:gpt-4o-mini", None),
     ("openai/gpt-4o-mini", "openai")],
)  # fmt: skip
def test_most_exact_name_first(named):
    """The provider and the model count before the model alone, that before any, and the run before the session."""
    exact, short, anything = ({key: scripted(key)} for key in ("openai/gpt-4o-mini", "gpt-4o-mini", "*"))
    assert found(ChatModels({**anything, **short, **exact}), *named) == "openai/gpt-4o-mini"
    assert found(ChatModels({**anything, **short}), *named) == "gpt-4o-mini"
    assert found(ChatModels(anything, session=exact), *named) == "*"
    assert found(ChatModels(session={**anything, **exact}), *named) == "openai/gpt-4o-mini"
    assert found(ChatModels({"other": scripted("other")}, session=anything), *named) == "*"


def test_provider_with_a_path():
    """A model's own name may have a slash or a colon where the provider is named."""
    chat_models = ChatModels({"together/meta/llama": scripted("path"), "ollama/llama3:8b": scripted("tag")})
    assert found(chat_models, "meta/llama", "together") == "path"
    assert found(chat_models, "llama3:8b", "ollama") == "tag"
    assert [model_label("meta/llama", "together"), model_label("ollama:llama3:8b", None)] == [
        "together/meta/llama",
        "ollama/llama3:8b",
    ]


def test_agents_that_name_no_model():
    """They get the run's chat model, else the one for any; a named model is never replaced by the default."""
    default, anything = scripted("default"), {"*": scripted("*")}
    assert found(ChatModels(anything, default), None) == "default"
    assert found(ChatModels(session=anything), None) == "*"
    assert found(ChatModels(anything, default), "named") == "*"
    with pytest.raises(ModelError) as caught:
        ChatModels({"one": scripted("one")}).get(None)
    assert caught.value.message == "the agent names no model, and none is given for such agents; known: one"
    assert "--chat-model" in str(caught.value.hint)


def test_made_by_name(monkeypatch):
    """A name that nothing answers is a model of LangChain's, made once."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test")
    chat_models = ChatModels(default=scripted("default"))
    made = chat_models.get("gpt-4o-mini", "openai")
    assert isinstance(made, ChatOpenAI)
    assert made.model_name == "gpt-4o-mini"
    assert chat_models.get("openai/gpt-4o-mini") is made
    assert chat_models.get("openai:gpt-4o-mini") is made
    assert found(chat_models, "gpt-4o-mini") == "gpt-4o-mini"


def test_unknown_names(without_langchain):
    """Without LangChain an unknown name says both ways to have it, and what is known."""
    chat_models = ChatModels({"b": scripted("b")}, session={"a": scripted("a")})
    for ask in (chat_models.get, chat_models.identity):
        with pytest.raises(ModelError) as caught:
            ask("anthropic/claude")
        assert caught.value.message == "the chat model 'anthropic/claude' is not known; known: a, b"
        assert 'get_session().chat_models["anthropic/claude"]' in str(caught.value.hint)
        assert 'pip install "lua-procedures[anthropic]"' in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("openai/gpt-4o-mini", "OPENAI_API_KEY", "from the environment"),
        ("nobody/gpt", "nobody/gpt: Unsupported provider='nobody'", "chat_models"),
        ("anthropic/claude", "langchain-anthropic", 'pip install "lua-procedures[anthropic]"'),
        ("what-is-this", "what-is-this: Unable to infer model provider", "chat_models"),
    ],
)
def test_models_that_cannot_be_made(monkeypatch, name, said, hint):
    """A missing key, an unknown provider and a missing package are errors of the model that say what to do."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelError) as caught:
        ChatModels().get(name)
    assert said in caught.value.message
    assert hint in str(caught.value.hint)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) <= 500


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("gpt-4o", "chat_models['m']: a LangChain chat model expected, got a str"),
        (ScriptedChatModel, "got the class ScriptedChatModel: give an instance"),
        (RunnableLambda(lambda text: text), "got a RunnableLambda, which is a Runnable"),
        (ScriptedChatModel().bind(temperature=0), "which is a Runnable"),
    ],
)
def test_what_is_no_chat_model(given, said):
    """A value that is no chat model is refused by name, also where it only behaves like one."""
    for ask in (ChatModels({"m": given}).get, ChatModels(session={"m": given}).identity):
        with pytest.raises(UsageError) as caught:
            ask("m")
        assert said in str(caught.value)
    with pytest.raises(UsageError, match="chat_model: a LangChain chat model expected"):
        ChatModels(default=given).identity()


# Identities


def test_identity_of_an_instance():
    """An instance is its class and its model's name: no key, and no address."""
    model = ChatOpenAI(model="gpt-4o-mini", base_url="http://host.invalid/v1", api_key="sk-of-a-test")
    chat_models = ChatModels({"openai/gpt-4o-mini": model}, default=scripted("scripted"))
    assert chat_models.identity("gpt-4o-mini", "openai") == "ChatOpenAI gpt-4o-mini"
    assert chat_models.identity() == "ScriptedChatModel scripted"
    assert chat_models.identities == {
        "openai/gpt-4o-mini": "ChatOpenAI gpt-4o-mini",
        "*": "ScriptedChatModel scripted",
    }


def test_identity_of_a_model_without_a_name():
    """A model that does not say what it calls is its class."""
    from langchain_core.language_models import FakeListChatModel

    assert identity_of(FakeListChatModel(responses=[])) == "FakeListChatModel"


def test_identity_by_name_needs_no_key(monkeypatch):
    """A model by name has its identity without being made; each way to write it is the same."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    chat_models = ChatModels()
    named = [("gpt-4o-mini", "openai"), ("openai/gpt-4o-mini", None), ("openai:gpt-4o-mini", None)]
    assert {chat_models.identity(*each) for each in named} == {"openai/gpt-4o-mini"}
    assert chat_models.identity("gpt-4o-mini") == "gpt-4o-mini"


def test_recorded_identities(without_langchain):
    """Where nothing answers a name now, its recorded identity stands in; what answers now comes first."""
    recorded = {"openai/gpt-4o-mini": "ChatOpenAI gpt-4o-mini", "*": "ScriptedChatModel scripted"}
    chat_models = ChatModels(recorded=recorded)
    assert chat_models.identity("gpt-4o-mini", "openai") == "ChatOpenAI gpt-4o-mini"
    assert chat_models.identity(None) == "ScriptedChatModel scripted"
    assert chat_models.identities == recorded
    assert ChatModels({"*": scripted("other")}, recorded=recorded).identity() == "ScriptedChatModel other"
    with pytest.raises(ModelError):
        chat_models.get("gpt-4o-mini", "openai")


def test_names_need_no_langchain():
    """To look for a model, and to name one, imports nothing of LangChain's."""
    code = """
import sys
from lua_procedures.agents.calling import acall
from lua_procedures.agents.models import ChatModels
from lua_procedures.agents.schemas import parameters_of
assert ChatModels().identity("openai/gpt-4o-mini") == "openai/gpt-4o-mini"
parameters_of({"city": "string"})
print(*sorted({"langchain", "langchain_core", "pydantic", "tenacity", "jsonschema"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
