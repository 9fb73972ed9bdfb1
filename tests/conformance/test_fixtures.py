"""Recorded runs as fixtures: written by a live run, replayed without a model, a tool, a server or a person."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

import lua_procedures
from lua_procedures import DivergenceError, ModelError, UsageError, current_run, history
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.testing import ScriptedChatModel

from ..agents.openai_server import Reply, serving
from ..bounds import PATIENCE
from .cells import Cell, messages, timeless

SOURCE = """
note = Tool{description = "Notes.", input = {text = field.string{required = true}},
            function(args) State.append("notes", args.text) return #State.get("notes") end}
worker = Agent{system_prompt = "You answer {input.who}, in one sentence and no more.", tools = {note, "fetch"}}
local found = worker("Find the page of Ada Löve")
local inner = Step.run("inner", function() return fetch{page = 9} end)
local ok, why = pcall(fetch, {page = 13})
local sure = Human.approve{message = "Publish?"}
local again = worker{message = "Once more", tools = {}}
return {found.output, inner, why, sure, Stop.reason(), Model("length"){text = "abc"}.output, again.output, State.all()}
"""


class World:
    """All that a program asks, and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        calls = [{"name": "note", "args": {"text": "begun"}}, {"name": "fetch", "args": {"page": 1}}]
        self.model = ScriptedChatModel(
            answers=[{"content": "", "tool_calls": calls, "usage": {"prompt_tokens": 9}}, "Found: Löve", "Found again"]
        )

    def fetch(self, page: int) -> dict[str, Any]:
        """Fetch a page."""
        self.asked.append(page)
        if page == 13:
            raise ValueError("no such page")
        current_run().request_stop(f"read {page}")
        return {"page": page, "text": "…"}

    @property
    def options(self) -> dict[str, Any]:
        """What a live run is given."""
        return {
            "params": {"who": "me"},
            "chat_model": self.model,
            "tools": [self.fetch],
            "predictors": {"length": lambda given: len(given["text"])},
            "answers": [True],
        }


@pytest.fixture
def path(tmp_path):
    """Where the fixture goes."""
    return tmp_path / "triage.json"


def recorded(path, source=SOURCE, **options):
    """A live run that is recorded there."""
    return Cell()(source, record=path, **(options or World().options))


def replayed(path, source=SOURCE, **options):
    """A run of its own that has nothing but the fixture."""
    return Cell()(source, replay=path, params={"who": "me"}, **options)


def content(path):
    """What the file says."""
    return json.loads(path.read_text(encoding="utf-8"))


def same(first, second):
    """Whether two runs came to the same."""
    a, b = timeless(first), timeless(second)
    ids = {each: [pair[1:] for pair in run.pop("answers")] for each, run in (("a", a), ("b", b))}
    return a == b and ids["a"] == ids["b"] and first.usage == second.usage


# Recording and replaying


def test_a_run_is_replayed_from_its_fixture(path):
    """No model, tool, predictor or person is there, and everything comes out as it did."""
    live = recorded(path)

    again = replayed(path)

    assert again.value == live.value
    assert again.value[2] == "cell:7: fetch: ValueError: no such page"
    assert same(live, again)
    assert again.answers[0].channel == "fixture"


def test_what_is_here_is_not_asked(path):
    """A replay asks neither the model nor the tools that it is given."""
    recorded(path)
    world = World()

    Cell()(SOURCE, replay=path, **{**world.options, "answers": None})

    assert world.asked == []
    assert world.model.requests == []


def test_a_replay_is_recorded_in_its_store(path):
    """The cell run again keeps everything, also without the file."""
    recorded(path)
    cell = Cell()
    first = cell(SOURCE, replay=path, params={"who": "me"})
    assert first.executed == 6

    assert cell(SOURCE, replay=path, params={"who": "me"}).executed == 0
    path.unlink()
    kept = cell(SOURCE, **World().options)
    assert (kept.executed, kept.value) == (0, first.value)


def test_the_file_is_for_review(path):
    """Plain JSON in order: what was asked, as far as it is new, and what was answered."""
    recorded(path)

    text = path.read_text(encoding="utf-8")
    held = content(path)

    assert text.endswith("}\n")
    assert "Löve" in text
    assert [held[name] for name in ("format", "version", "run")] == ["lua-procedures/fixture", 1, "triage"]
    calls = [(each["kind"], each["name"], each.get("agent")) for each in held["calls"]]
    model = "ScriptedChatModel scripted"
    assert calls == [
        ("model_call", model, "worker"),
        ("tool_call", "fetch", "worker"),
        ("model_call", model, "worker"),
        ("tool_call", "fetch", None),
        ("tool_call", "fetch", None),
        ("human", "Publish?", None),
        ("model_call", model, "worker"),
        ("model_predict", "length", None),
    ]
    asked = held["calls"][0]["request"]
    assert asked["system_prompt"] == "You answer me, in one sentence and no more."
    assert [tool["name"] for tool in asked["tools"]] == ["note", "fetch"]
    last = held["calls"][6]
    assert "system_prompt" not in last["request"]
    assert [each["content"] for each in last["request"]["messages"]["new"]] == ["Found: Löve", "Once more"]
    assert held["calls"][4]["failure"] == {"class": "ToolError", "message": "ValueError: no such page"}
    assert held["calls"][1]["effects"] == [["stop", "read 1", True]]
    assert [*held["tools"]] == ["fetch"]


def test_the_same_run_writes_the_same_file(path):
    """Also a pass in which everything is replayed, and a new recording over it, seed included."""
    cell = Cell()
    source = SOURCE.replace("Once more", '" .. math.random(1000000) .. "')
    cell(source, record=path, **World().options)
    first = path.read_bytes()

    cell(source, record=path, **World().options)
    assert path.read_bytes() == first
    Cell()(source, record=path, **World().options)
    assert path.read_bytes() == first


def test_chance_and_time_in_prompts(path):
    """What a program drew, and the time that it saw outside steps, are the same in a replay."""
    source = """
        local a = Agent{system_prompt = "It is " .. os.date("!%Y-%m-%d %H:%M:%S") .. ", " .. math.random(1000000)}
        local first = a("hello").output
        Step.run("work", function() return 1 end)
        return {first, a(tostring(os.time())).output, os.time()}
    """
    live = recorded(path, source, params={"who": "me"}, chat_model=ScriptedChatModel(answers=["one", "two"]))
    time.sleep(1.1)

    assert replayed(path, source).value == live.value == ["one", "two", live.value[2]]


def test_an_export_is_a_fixture_too(path, tmp_path):
    """`run.export` of a past run, recorded nowhere, and of one that is only shown."""
    cell = Cell()
    live = cell(SOURCE, **World().options)
    live.export(path)
    shown = tmp_path / "shown.json"
    lua_procedures.api.show("triage", store=cell.store).export(shown)

    assert shown.read_bytes() == path.read_bytes()
    assert same(live, replayed(path))


def test_an_export_of_before_is_a_fixture_too(path):
    """Files that hold no fixture of their own are read by their journal."""
    source = 'return {fetch{page = 1}, Human.input{message = "Who?"}, (pcall(fetch, {page = 13}))}'
    live = Cell()(source, tools=[World().fetch], answers=["Ada"])
    live.export(path)
    old = content(path)
    del old["fixture"]
    path.write_text(json.dumps(old, sort_keys=True))

    assert Cell()(source, replay=path).value == live.value


def test_what_a_cut_took_back_is_in_it(path):
    """Calls that `Checkpoint.clear_after` forgot are asked again by a replay, and answered."""
    source = """
        local first = fetch{page = State.get("n", 1)}
        if first.page == 1 and not Checkpoint.exists(1) then
          State.set("n", 2)
          Checkpoint.clear_after(0)
        end
        return {first.page, fetch{page = 2}.page}
    """
    live = recorded(path, source, tools=[World().fetch])

    assert len(content(path)["calls"]) == 2
    assert replayed(path, source).value == live.value == [1, 2]


def test_a_failed_run_replays_as_it_failed(path):
    """`--record` writes what was there, and the replay fails with the same error."""
    source = 'local a = Agent{} local b = a("x").output fetch{page = 13}'
    with pytest.raises(lua_procedures.ToolError) as live:
        recorded(path, source, chat_model=ScriptedChatModel(answers=["b"]), tools=[World().fetch])
    with pytest.raises(lua_procedures.ToolError) as again:
        replayed(path, source)

    assert str(again.value) == str(live.value)


def test_a_paused_run_is_recorded_pass_by_pass(path):
    """The file of a pause has what was answered until then; the file of the end has all."""
    cell, world = Cell(), World()
    options = {**world.options, "answers": None}
    assert cell(SOURCE, record=path, **options).status == "paused"
    assert "human" not in {each["kind"] for each in content(path)["calls"]}
    cell.answer(value=True)
    done = cell(SOURCE, record=path, **options)

    assert "human" in {each["kind"] for each in content(path)["calls"]}
    assert same(done, replayed(path))


def test_what_is_resumed_is_recorded(path):
    """`resume(record=)` writes all of the run, also what was done before it was recorded."""
    cell, world = Cell(), World()
    assert cell(SOURCE, **{**world.options, "answers": None}).status == "paused"
    done = cell.resume(record=path, answers=[True])

    assert {each["kind"] for each in content(path)["calls"]} == {"model_call", "tool_call", "human", "model_predict"}
    assert same(done, replayed(path))


def test_what_is_resumed_is_answered_from_a_fixture(path):
    """`resume(replay=)` goes on where the run was: what is recorded in its journal is not asked of the file again."""
    live = recorded(path)
    world, cell = World(), Cell()
    assert cell(SOURCE, **{**world.options, "answers": None}).status == "paused"
    asked = [*world.asked], len(world.model.requests)
    done = cell.resume(replay=path)

    assert same(done, live)
    assert done.replayed > 0
    assert ([*world.asked], len(world.model.requests)) == asked


def test_resuming_is_recorded_or_replayed(path):
    """Not both at once, and the file must be the run's."""
    cell = Cell()
    cell("return 1")
    with pytest.raises(UsageError, match="record and replay: one of them, not both"):
        cell.resume(record=path, replay=path)
    recorded(path)
    other = Cell(name="other")
    other("return 1")
    with pytest.raises(UsageError, match="is the fixture of the run 'triage', not of 'other'"):
        other.resume(replay=path)


def test_scripted_answers_win(path):
    """The run's own answers come before those of the fixture."""
    source = 'return Human.approve{message = "Sure?"}'
    recorded(path, source, answers=[True])

    assert replayed(path, source, answers=[False]).value is False
    assert replayed(path, source).value is True


def test_reviews_and_expiries_come_back(path):
    """A review's table and an answer that timed out are as they were."""
    source = """
        local review = Human.review{message = "Good?", artifact = "text"}
        return {review, Human.input{message = "Name?", default = "nobody", timeout = 5}}
    """
    live = recorded(path, source, answers="default")
    again = replayed(path, source)

    assert again.value == live.value
    assert [each.timed_out for each in again.answers] == [True, True]


def test_a_sleep_does_not_wait(path):
    """A replay passes over it at once."""
    recorded(path, "Sleep(0.01) return fetch{page = 1}", tools=[World().fetch])
    live = replayed(path, "Sleep(1e6) return fetch{page = 1}")

    assert live.value == {"page": 1, "text": "…"}


def test_mocks_apply_as_ever(path):
    """What is mocked is no call of the outside: it is not in the file, and the mock answers in a replay too."""
    source = 'Mocks{fetch = {returns = {page = 7}}} return {fetch{page = 1}.page, Human.input("Who?")}'
    live = recorded(path, source, tools=[World().fetch], answers=["Ada"])

    assert [each["kind"] for each in content(path)["calls"]] == ["human"]
    assert replayed(path, source).value == live.value == [7, "Ada"]


def test_a_live_object_is_made_again(path):
    """No file can keep it: the call says so, and a replay calls that tool."""

    def table_of() -> object:
        made.append(1)
        return object()

    def measure(thing: object) -> int:
        return 5

    made: list[int] = []
    source = "local thing = table_of() return measure{thing = thing}"
    recorded(path, source, tools=[table_of, measure])
    assert content(path)["calls"][0]["is_live"] is True

    assert replayed(path, source, tools=[table_of, measure]).value == 5
    assert len(made) == 2


def test_a_tool_whose_source_changed_does_not_matter(path):
    """Its calls are answered; what the model is told of it does."""
    recorded(path)

    def fetch(page: int) -> dict[str, Any]:
        """Fetch a page."""
        raise AssertionError(page)

    replayed(path, tools=[fetch])
    fetch.__doc__ = "Fetch it."
    with pytest.raises(DivergenceError, match=r"(?s)tools:.*Fetch a page"):
        replayed(path, tools=[fetch])


def test_a_server_is_not_started(path):
    """The tools of an MCP server are known from the fixture, whether it is configured or not."""
    source = 'local a = Agent{tools = {"mcp.files"}} return {files_read{name = "x"}, a("go").output}'
    recorded(path, "return Human.approve('x')", answers=[True])
    held = content(path)
    row = {
        "description": "Reads.", "digest": "d", "requires_approval": False, "single": None, "is_global": True,
        "order": ["name"], "schema": {"type": "object", "properties": {"name": {"type": "string"}}},
        "server": "files", "tool": "read",
    }  # fmt: skip
    held["tools"] = {"files_read": row}
    arguments = {"arguments": '{"name":"x"}'}
    held["calls"] = [{"kind": "tool_call", "name": "files_read", "asked": arguments, "outcome": "text"}]
    path.write_text(json.dumps(held))

    for servers in ({}, {"files": {"command": "no-such-command"}}):
        error = Cell().fails(source, replay=path, mcp_servers=servers)
        assert isinstance(error, DivergenceError)  # the tool was answered; only the model is not in the file
        assert error.message.startswith('model_call "*" is not in the fixture')


# What differs


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Find the page of", "Read the page of", "messages:\n    -user: Find the page of Ada Löve\n    +user: Read"),
        ("no more", "no less", "system_prompt:\n    -You answer me, in one sentence and no more."),
        ("page = 9", "page = 8", 'tool_call "fetch" is not in the fixture triage.json; the next tool_call'),
        ("Publish?", "Really publish?", "name: the fixture has 'Publish?'"),
        ("Once more", "Never more", "-user: Once more\n    +user: Never more"),
        ('text = "abc"', 'text = "abd"', "input:\n    -text: abc\n    +text: abd"),
    ],
)
def test_another_call_is_a_clear_difference(path, old, new, said):
    """The error names the line and the call, and shows how it differs from the next one in the file."""
    recorded(path)

    error = Cell().fails(SOURCE.replace(old, new), replay=path, params={"who": "me"})

    assert isinstance(error, DivergenceError)
    assert said in error.message
    assert (
        error.line == next(place for place, line in enumerate(SOURCE.splitlines(), 1) if old in line)
        or old == "no more"
    )
    assert "--record FILE" in str(error)


def test_a_difference_ends_the_program(path):
    """No `pcall` hides it, and the run is recorded as failed; what was replayed before it is kept."""
    recorded(path)
    cell = Cell()
    error = cell.fails(SOURCE.replace("page = 13", "page = 14"), replay=path, params={"who": "me"})

    assert isinstance(error, DivergenceError)
    row = cell.store.find("triage")
    assert row is not None
    assert row.status == "failed"
    assert cell(SOURCE, replay=path, params={"who": "me"}).replayed == 2


def test_once_more_than_recorded(path):
    """Equal calls are answered one by one; one more than there were is a difference."""
    recorded(path, "return {fetch{page = 1}, fetch{page = 1}}", tools=[World().fetch])

    error = Cell().fails("for i = 1, 3 do fetch{page = 1} end", replay=path)
    assert 'tool_call "fetch" is asked once more than in the fixture triage.json, which answers it 2 times' in str(
        error
    )


def test_calls_that_nobody_made_are_a_warning(path):
    """At the end of a completed run, with the first few named; not where they were kept from the journal."""
    recorded(path)
    shorter = SOURCE.replace('Model("length"){text = "abc"}.output', "3")

    warned = messages(replayed(path, shorter), "warning")

    assert warned == ['1 of the calls in triage.json nobody asked for: model_predict "length"']
    assert messages(replayed(path), "warning") == []


def test_another_model_is_a_difference(path):
    """The agent's model is part of what is asked; no model is looked up for that."""
    recorded(path)
    error = Cell().fails(
        SOURCE.replace("worker = Agent{", 'worker = Agent{model = "x/y", '), replay=path, params={"who": "me"}
    )

    assert isinstance(error, DivergenceError)
    assert "name: the fixture has 'ScriptedChatModel scripted'" in error.message


# Files


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no fixture, or is damaged"),
        ("[1]", "a JSON object expected"),
        ('{"format": "other"}', "is no fixture"),
        ('{"format": "lua-procedures/fixture", "version": 99}', "of version 99; this is version 1"),
        ('{"format": "lua-procedures/fixture", "version": 1, "calls": 1}', "is damaged: calls: a list expected"),
        ('{"format": "lua-procedures/run", "version": 1}', "is damaged: a run with its journal expected"),
    ],
)
def test_a_file_that_is_none(path, text, said):
    """It is refused before anything runs, and a recording does not overwrite it."""
    path.write_text(text)
    for option in ("replay", "record"):
        error = Cell().fails("return 1", **{option: path})
        assert isinstance(error, UsageError)
        assert said in error.message
    assert path.read_text() == text


def test_the_file_of_another_run(path):
    """It is neither replayed nor overwritten, and the error names both runs."""
    recorded(path, "return 1", answers=[])
    for option in ("replay", "record"):
        error = Cell(name="other").fails("return 1", **{option: path})
        assert isinstance(error, UsageError)
        assert "'triage', not of 'other'" in error.message


def test_options_that_are_wrong(path, tmp_path):
    """Both at once, a file that is not there, a folder that cannot be made, no path at all."""
    (tmp_path / "file").touch()
    for options, said in (
        ({"record": path, "replay": path}, "one of them, not both"),
        ({"replay": path}, "cannot be read"),
        ({"record": tmp_path / "file" / "x.json"}, "cannot be made"),
        ({"record": 5}, "record: the path of a file expected, got 5"),
    ):
        error = Cell().fails("return 1", **options)
        assert isinstance(error, UsageError)
        assert said in error.message


def test_a_folder_has_a_file_for_each_run(tmp_path):
    """By the run's name, whatever is in it; a run without a name has none there."""
    for name in ("triage", "a/b: 50%", "..", "größe"):
        lua_procedures.run('return Human.input("Who?")', name=name, answers=[name], record=tmp_path)
        again = lua_procedures.run('return Human.input("Who?")', name=name, replay=tmp_path, store=MemoryStore())
        assert again.value == name
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "%2E..json",
        "a%2Fb%3A 50%25.json",
        "größe.json",
        "triage.json",
    ]
    with pytest.raises(UsageError, match="has no name"):
        lua_procedures.run("return 1", record=tmp_path)


def test_a_folder_that_is_not_there_is_made(tmp_path):
    """What has no ending is one, whichever run is recorded first; what has one is a file."""
    for name in ("first", "second"):
        lua_procedures.run("return 1", name=name, record=tmp_path / "new")
    lua_procedures.run("return 1", name="third", record=tmp_path / "file.json")
    assert sorted(each.name for each in (tmp_path / "new").iterdir()) == ["first.json", "second.json"]
    assert (tmp_path / "file.json").is_file()


def test_the_variable_names_a_folder(tmp_path, monkeypatch):
    """`LUA_PROCEDURES_REPLAY` replays runs that have a file there, also those that would be recorded."""
    source = 'local a = Agent{} return a("x").output'
    live = lua_procedures.run(source, name="named", chat_model=ScriptedChatModel(answers=["y"]), record=tmp_path)
    monkeypatch.setenv("LUA_PROCEDURES_REPLAY", str(tmp_path))
    before = (tmp_path / "named.json").read_bytes()

    again = lua_procedures.run(source, name="named", store=MemoryStore(), record=tmp_path)
    assert again.value == live.value == "y"
    assert (tmp_path / "named.json").read_bytes() == before


def test_without_a_file_no_model_is_called(tmp_path, monkeypatch):
    """With the variable set, a run that has no file there runs as ever until it would call a model."""
    monkeypatch.setenv("LUA_PROCEDURES_REPLAY", str(tmp_path))
    model = ScriptedChatModel(answers=["y"])
    source = 'local page = fetch{page = 1}.page if input.ask then local a = Agent{} a("x") end return page'

    assert Cell()(source, tools=[World().fetch]).value == 1
    for name, file in (("triage", "triage.json"), (None, "NAME.json")):
        error = Cell().fails(source, name=name, params={"ask": True}, tools=[World().fetch], chat_model=model)
        assert isinstance(error, DivergenceError)
        assert file in error.message
    assert model.requests == []
    monkeypatch.setenv("LUA_PROCEDURES_REPLAY", str(tmp_path / "none"))
    assert isinstance(Cell().fails("return 1"), UsageError)


def test_a_plan_writes_and_needs_nothing(path):
    """`--plan` with `--record` writes no file, and with `--replay` says what would run."""
    Cell()(SOURCE, record=path, plan=True, **World().options)
    assert not path.exists()
    recorded(path)

    planned = Cell()(SOURCE, replay=path, plan=True, params={"who": "me"})
    assert planned.status == "pending"


# Secrets


def test_no_key_reaches_a_file(path, tmp_path, monkeypatch):
    """Neither the fixture nor the journal, the record or an export holds a model's key, also not from its errors."""
    from langchain_openai import ChatOpenAI

    key = "sk-very-secret-of-a-test"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    source = 'local a = Agent{} local ok, why = pcall(a, "x") return {ok, why, a("y").output}'
    with serving() as server:
        server.replies = [Reply(f"Incorrect API key provided: {key}", status=401), Reply("hello")]
        model = ChatOpenAI(model="gpt-4o-mini", base_url=server.url, max_retries=0, timeout=PATIENCE)
        cell = Cell()
        done = cell(source, chat_model=model, record=path)
        assert server.requests[0]["authorization"] == f"Bearer {key}"
    assert done.value[0] is False
    for suffix in ("json", "md", "html", "pickle"):
        done.export(tmp_path / f"export.{suffix}")
    written = [each.read_bytes().decode("latin-1") for each in tmp_path.iterdir()]

    assert len(written) == 5
    assert all(key not in text for text in [*written, repr(cell.held()), str(done._repr_mimebundle_())])
    monkeypatch.delenv("OPENAI_API_KEY")
    assert Cell()(source, replay=path).value == done.value


def test_a_secret_in_a_prompt(path, monkeypatch):
    """It is written as the template's own word for it, so that it matches where the variable is not there."""
    monkeypatch.setenv("SERVICE_TOKEN", "very-secret-9")
    source = """
        local a = Agent{system_prompt = "The token is {env.SERVICE_TOKEN}, and you never say it to anybody."}
        return {a("x").output, a{message = "x", history = false}.output, a{message = "x", history = false}.output}
    """
    answers = ["very-secret-9 is it", "b", "c"]
    options = {"env_allowed": ["SERVICE_TOKEN"]}
    recorded(path, source, chat_model=ScriptedChatModel(answers=answers), **options)
    assert "very-secret-9" not in path.read_text()
    assert "{env.SERVICE_TOKEN}, and you never" in path.read_text()

    here = replayed(path, source, **options)
    monkeypatch.delenv("SERVICE_TOKEN")
    there = replayed(path, source, **options)
    assert here.value == there.value == ["{env.SERVICE_TOKEN} is it", "b", "c"]
    assert messages(here, "warning") == messages(there, "warning") == []


def test_header_values_are_not_in_it(path):
    """Of a declared model the names of its headers are shown, and their values do not matter in a replay."""
    source = """
        Model "far" {type = "http", endpoint = "http://127.0.0.1:9/x", headers = {Authorization = "Bearer abc-1"}}
        return {pcall(Model("far"), {q = 1})}
    """
    live = recorded(path, source, answers=[])

    assert "abc-1" not in path.read_text()
    assert '"Authorization": ""' in path.read_text()
    assert replayed(path, source.replace("abc-1", "abc-2")).value == live.value


def test_a_failing_model_replays_with_its_attempts(path):
    """What was retried is shown again, and the error is the same."""
    source = 'local a = Agent{retry = {max_attempts = 2, initial_delay = 0}} return {pcall(a, "x")}'
    failing = ScriptedChatModel(answers=[ModelError("busy", retryable=True), ModelError("still busy", retryable=True)])
    live = recorded(path, source, chat_model=failing)

    again = replayed(path, source)
    assert again.value == live.value
    assert again.value[0] is False


def test_the_history_of_a_replay_is_that_of_a_run(path):
    """A replayed run is in its store like any other."""
    recorded(path)
    cell = Cell()
    cell(SOURCE, replay=path, params={"who": "me"})
    assert history("triage", store=cell.store)


def test_the_record_says_that_it_was_replayed(path):
    """Nobody takes the record of a replay for that of a live run."""
    recorded(path, "return 1", answers=[])
    ran = Cell()("return 1", replay=path)
    assert f"answered from the fixture {path.name}" in ran._repr_mimebundle_()["text/plain"]
