"""Records to read and data to review: what they say, and that nothing of a run acts in them."""

from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser
from typing import Any

import mistune
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import lua_procedures
from lua_procedures import Run
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.errors import LuaRuntimeError
from lua_procedures.exports.markdown import record_markdown
from lua_procedures.exports.page import record_page
from lua_procedures.human.requests import HumanOption, HumanRequest, HumanResponse
from lua_procedures.runs import Checkpoint, Notice, RunData, StageMove

from ..conformance.cells import Cell

HOSTILE = (
    "</pre></code><script>x()</script> ``` [a](javascript:x()) ![i](x) | *b* _c_ $d$ \\| <img src=x onerror=x()> &lt;"
)

render = mistune.create_markdown(escape=False, plugins=["table"])

SOURCE = """
Stages{"plan", "do"} Stage.set("plan")
local a = Step.run("load", function() State.set("n", 1) Step.run("inner", function() end) return {1, "two"} end)
pcall(Step.run, "bad", function() error("no such | table") end)
Stage.set("do")
Log.info("going on") print("two\\nlines")
local sure = Human.approve{message = "Ship it?", default = false}
return {a = a, sure = sure}"""


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.pieces: list[tuple[str, list[str]]] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("code", "strong"):
            self.pieces.append((tag, []))
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.pieces:
            self.pieces[-1][1].append(data)

    def texts(self, tag: str) -> list[str]:
        """What is in each of these elements, its white space joined."""
        return [" ".join("".join(data).split()) for name, data in self.pieces if name == tag]


@pytest.fixture(scope="module")
def done() -> Run:
    """A run that has something of everything."""
    return lua_procedures.run(SOURCE, name="triage", store=MemoryStore(), answers=[True])


def rendered(text: str) -> Page:
    """Markdown as a reader of it would show it."""
    return Page(str(render(text)))


def made(**options: Any) -> Run:
    """A run that was made by hand."""
    checkpoints = options.pop("checkpoints", ())
    answers = options.pop("answers", ())
    data = RunData(**{"name": "triage", "status": "completed", **options})
    data.list_checkpoints, data.list_answers = lambda: checkpoints, lambda: answers
    return Run(data)


# Markdown


def test_the_markdown_says_all(done):
    """Title, what was spared, result, stages, checkpoints, answers, notices and State, in this order."""
    text = record_markdown(done)
    assert text.startswith("# triage\n\n**completed** · kept 0, ran 3\n\n## Result\n\n```json\n{")
    assert re.findall("^## (.+)$", text, re.MULTILINE) == [
        "Result", "Stages", "Checkpoints", "Questions and answers", "Notices", "State",
    ]  # fmt: skip
    assert "plan › **do**" in text
    assert '| 0 | step | load | 3 | `[1, "two"]` |\n| 0/0 | step | inner | 3 |  |\n| 1 | step | bad | 4 |' in text
    assert "| 1 | step | bad | 4 | failed: cell:4: no such &#124; table |" in text
    assert "| Ship it? | Approve | scripted |" in text
    assert "```\n[info] going on\ntwo\nlines\n```" in text


def test_the_table_is_a_table(done):
    """A reader of Markdown sees a row for each checkpoint."""
    page = str(render(record_markdown(done)))
    assert page.count("<tr>") == 1 + 4 + 1 + 1
    assert "no such | table" in rendered(record_markdown(done)).text


def test_an_open_question_and_an_error_are_told():
    """A paused run shows what it asks, a failed one its error."""
    request = HumanRequest(
        id="r", kind="review", message="Good?", artifact="# Draft", asked_at=time.time(),
        options=(HumanOption(label="Yes"), HumanOption(label="No", type="cancel")),
    )  # fmt: skip
    paused = record_markdown(made(status="paused", pending=request))
    assert "## Open question\n\nGood?\n\n```\n# Draft\n```\n\nYes · No" in paused
    failed = record_markdown(made(status="failed", error=LuaRuntimeError("boom", line=3, hint="Do this.")))
    assert "## Error\n\n```\nline 3: boom\nDo this.\n```" in failed


def test_a_long_run_is_cut_in_the_middle():
    """A thousand rows at most, the first and the last ones, and how many are left out."""
    many = [Checkpoint(position=at, path=str(at), kind="step", name=f"s{at}") for at in range(5000)]
    text = record_markdown(made(checkpoints=many))
    assert text.count("\n|") == 2 + 1000 + 1
    assert "| … 4,000 more checkpoints |" in text
    assert "| 4999 | step | s4999 |" in text


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.text(
    "`*_[]()<>|\\#-+=~!&$1. \n\"'", max_size=30
)


@given(TEXTS)
@example(HOSTILE)
@example("1. one")
@example("- [ ] x")
@example("+\n===")
@example("#\n# x #")
@example("\\|`|")
def test_text_stays_text(text):
    """Whatever a name, message, value or line says, the reader sees it as it is, and no element comes of it."""
    run = made(
        name=text or "n", title=text, value=text, error=LuaRuntimeError(text, line=1),
        checkpoints=[
            Checkpoint(position=0, path="0", kind="human", name=text, value=text),
            Checkpoint(position=1, path="1", kind="step", name=text, value={text: [text]}),
            Checkpoint(position=2, path="2", kind="step", name="x", error=text),
        ],
        answers=[HumanResponse(request_id="r", value=text, responded_at=0.0, channel="form")],
        notices=[Notice(kind="print", message=text), Notice(kind="notify", message=text, content=text)],
        stages=[StageMove(from_stage=None, to_stage=text, timestamp=0.0)],
        pending=HumanRequest(id="r", kind="input", message=text, asked_at=0.0, options=(HumanOption(label=text),)),
    )  # fmt: skip
    markdown = record_markdown(run)
    page = rendered(markdown)
    assert page.tags <= set("h1 h2 p strong pre code table thead tbody tr th td".split())
    assert {name for name, _ in page.attributes} <= {"class"}
    assert str(render(markdown)).count("<tr>") == 1 + 3 + 1 + 1
    if text.strip() and text.isascii() and text.isprintable():
        shown = " ".join(text.split())
        assert page.texts("h1") == [shown]
        assert page.texts("td").count(shown) >= 3
        assert f"failed: {shown}" in page.texts("td")


# HTML


def test_the_page_stands_alone(done):
    """One file, light and dark, that fetches nothing and lets no script run, around the record."""
    text = record_page(done)
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert page.tags.isdisjoint(set("script link img iframe object embed form".split()))
    assert not any(name in ("src", "href") or name.startswith("on") for name, _ in page.attributes)
    assert ("content", "light dark") in page.attributes
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    assert "color-scheme: light dark" in text
    assert "triage" in page.text
    assert "Ship it?" in page.text


def test_the_title_of_the_page_is_escaped():
    """A name is text there, too."""
    page = Page(record_page(made(name=f"{HOSTILE}", value=HOSTILE)))
    assert page.tags.isdisjoint({"script", "img", "a"})


# JSON


def test_the_json_has_the_run_and_its_journal(done, tmp_path):
    """Format and version, what the run shows, and every entry and question."""
    done.export(tmp_path / "run.json")
    text = (tmp_path / "run.json").read_text(encoding="utf-8")
    held = json.loads(text)
    assert (held["format"], held["version"]) == ("lua-procedures/run", 1)
    assert (held["run"]["name"], held["run"]["status"]) == ("triage", "completed")
    assert held["run"]["value"] == {"a": [1, "two"], "sure": True}
    assert held["run"]["state"] == {"n": 1}
    assert [each["path"] for each in held["run"]["checkpoints"]] == ["0", "0/0", "1", "2"]
    assert [each["message"] for each in held["run"]["notices"]] == ["going on", "two\nlines"]
    assert held["run"]["answers"][0]["channel"] == "scripted"
    journal = held["journal"]
    assert (journal["program"], journal["inputs"]) == (SOURCE, {})
    assert [each["name"] for each in journal["entries"]] == ["inner", "load", "bad", "Ship it?"]
    assert journal["entries"][3]["asked"]["message"] == '"Ship it?"'
    assert journal["requests"][0]["request"]["message"] == "Ship it?"
    fixture = held.pop("fixture")  # which keeps its own order
    ordered = json.loads(json.dumps(held, sort_keys=True))
    assert text == json.dumps({**ordered, "fixture": fixture}, indent=2, ensure_ascii=False) + "\n"


def test_a_replay_exports_the_same_json(tmp_path):
    """Nothing in it tells of the pass: the same history is the same bytes."""
    cell = Cell()
    cell(SOURCE, answers=[True]).export(tmp_path / "first.json")
    cell(SOURCE).export(tmp_path / "second.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()


def test_the_json_names_no_place_of_this_machine(tmp_path):
    """Neither the store, whose address may hold a password, nor the folder of files."""
    ended = lua_procedures.run("return 1", name="run", store=str(tmp_path / "secret.db"), files=tmp_path)
    ended.export(tmp_path / "run.json")
    assert str(tmp_path) not in (tmp_path / "run.json").read_text()


def test_the_json_says_what_json_has_no_word_for(tmp_path):
    """Bytes and live objects are tagged as in the journal; half a character is JSON's escape."""
    value = {"b": b"\xff", "o": object()}
    ended = Cell()('return {input.v, Step.run("a", function() return "\\xff" end)}', params={"v": value})
    ended.export(tmp_path / "run.json")
    held = json.loads((tmp_path / "run.json").read_bytes())
    tags = {"b": {"\0": "bytes", "v": "\xff"}, "o": {"\0": "handle", "i": 0, "t": "object"}}
    assert held["run"]["value"] == [tags, {"\0": "bytes", "v": "\xff"}]
    assert held["journal"]["entries"][0]["outcome"] == [{"\0": "bytes", "v": "\xff"}]


def test_a_failed_run_has_its_error_in_json(tmp_path):
    """Class, message, line and advice."""
    Cell().failed("\nerror('boom')").export(tmp_path / "run.json")
    error = json.loads((tmp_path / "run.json").read_bytes())["run"]["error"]
    assert (error["class"], error["message"], error["line"]) == ("LuaRuntimeError", "boom", 2)
