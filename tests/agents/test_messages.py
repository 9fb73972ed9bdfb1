"""Messages as plain data, and as LangChain has them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk

from lua_procedures import UsageError
from lua_procedures.agents.messages import answer_of, content_of, from_langchain, parsed_json, text_of, to_langchain

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text("abcdefgh_", min_size=1, max_size=8)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
blocks = st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": texts}), min_size=1, max_size=3)
contents = texts | blocks
named = st.fixed_dictionaries({}, optional={"name": names})


def messages(role, content=contents, **more):
    """Messages of one role, with or without a name."""
    return st.builds(
        lambda first, second: {**first, **second},
        st.fixed_dictionaries({"role": st.just(role), "content": content, **more}),
        named,
    )


calls = st.fixed_dictionaries({"id": names, "name": names, "args": st.dictionaries(texts, plain, max_size=3)})
any_message = st.one_of(
    messages("system"),
    messages("user"),
    messages("assistant"),
    messages("assistant", tool_calls=st.lists(calls, min_size=1, max_size=3)),
    messages("tool", tool_call_id=names),
)


@given(st.lists(any_message, max_size=5))
def test_round_trip(given_messages):
    """Plain messages come back from LangChain as they were."""
    assert from_langchain(to_langchain(given_messages)) == given_messages


@given(plain.filter(lambda value: not isinstance(value, str) and value is not None))
def test_other_content_is_json(value):
    """Content that is neither text nor content blocks is its JSON."""
    assert json.loads(to_langchain([{"role": "user", "content": value}])[0].text) == value


def test_content_without_json():
    """What JSON does not have is named, and never copied."""
    assert content_of(b"\xff\x00") == '"<2 bytes>"'
    assert content_of({"frame": object()}) == '{"frame": "<object>"}'
    assert content_of(None) == ""


def test_roles():
    """LangChain's own names of roles are known, too; others are refused."""
    got = to_langchain([{"role": role, "content": "x"} for role in ("human", "ai", "developer")])
    assert [each["role"] for each in from_langchain(got)] == ["user", "assistant", "system"]
    with pytest.raises(UsageError, match="role: one of system, user, assistant, tool expected, got 'critic'"):
        to_langchain([{"role": "critic", "content": "x"}])


def test_text_of_blocks():
    """The text of content blocks is that of the text blocks, one after the other."""
    content = ["a", {"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "b"}, {"type": "text"}]
    assert text_of(content) == "ab"
    assert text_of(None) == ""


def test_answer():
    """A message as an answer: its text, its calls and its tokens."""
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 8}
    call = {"name": "t", "args": {"n": 1}, "id": "x"}
    message = AIMessage([{"type": "text", "text": "hi"}], tool_calls=[call], usage_metadata=usage)
    assert answer_of(message) == {
        "content": "hi",
        "tool_calls": [{"id": "x", "name": "t", "args": {"n": 1}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 8},
    }
    assert answer_of(AIMessage(""))["usage"] is None


def test_refusals_are_text():
    """What a model says when it refuses is what it says."""
    assert answer_of(AIMessage("", additional_kwargs={"refusal": "I will not."}))["content"] == "I will not."


@pytest.mark.parametrize("text", ['{"a": 1', '{"a": "b', "[1]", "{'a': 1}", '{"a": NaN}', "[" * 100_000])
def test_arguments_are_not_mended(text):
    """Arguments that were cut off, or are no JSON object, are an error, though LangChain would mend some."""
    chunk = {"type": "tool_call_chunk", "name": "t", "args": text, "id": "x", "index": 0}
    whole = {"type": "invalid_tool_call", "name": "t", "args": text, "id": "x", "error": "Function t arguments: …"}
    for message in (AIMessageChunk(content="", tool_call_chunks=[chunk]), AIMessage("", invalid_tool_calls=[whole])):
        [call] = answer_of(message)["tool_calls"]
        assert call["args"] == {}
        assert call["error"].startswith("the arguments are no JSON: ")
        assert "…" not in call["error"]


def test_json_of_other_languages():
    """NaN and infinities are no JSON."""
    for text in ("NaN", "[Infinity]", '{"a": -Infinity}'):
        with pytest.raises(ValueError, match="is no JSON"):
            parsed_json(text)


@given(
    st.lists(st.none() | st.sampled_from(["", "a", "b", "call_1", "call_2"]), max_size=6),
    st.sets(st.sampled_from("ab")),
)
def test_ids(ids, taken):
    """Each call has an id of its own, which no earlier call has; a good one is kept where it first stands."""
    tool_calls = [{"name": "t", "args": {}, "id": each} for each in ids]
    got = [call["id"] for call in answer_of(AIMessage("", tool_calls=tool_calls), taken)["tool_calls"]]
    assert len({*got, *taken}) == len(ids) + len(taken)
    for place, each in enumerate(ids):
        if each and each not in taken and each not in ids[:place]:
            assert got[place] == each
