"""The static record: what it says, what it never says, and that nothing in it can act."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lua_procedures.errors import LuaRuntimeError, ToolError
from lua_procedures.human.requests import HumanOption, HumanRequest, RequestField
from lua_procedures.rendering.record import record_html, record_text
from lua_procedures.runs import Checkpoint, Notice, Run, RunData, StageMove, Stop, Usage

from ..bounds import lines_run
from .pages import Page

#: Elements that JupyterLab's sanitizer and GitHub keep.
KEPT_TAGS = set("div span strong em code pre table tbody tr th td details summary ul ol li br a".split())
KEPT_ATTRIBUTES = {"style", "class", "open", "href"}
HOSTILE = '</pre></details><script>x()</script><img src=x onerror=x()>"\'><a href="javascript:x()">\x1b[31m\u202e$a$'


def checkpoint(path: str, name: str = "fetch", kind: str = "step", **more: Any) -> Checkpoint:
    return Checkpoint(position=int(path.rpartition("/")[2]), path=path, kind=kind, name=name, **more)


def run_of(*checkpoints: Checkpoint, **data: Any) -> Run:
    outer = [one for one in checkpoints if "/" not in one.path]
    counts = {"replayed": sum(one.replayed for one in outer), "executed": sum(not one.replayed for one in outer)}
    known = {"name": "release", "status": "completed", "list_checkpoints": lambda: checkpoints, **counts}
    return Run(RunData(**{**known, **data}))


def request_of(**fields: Any) -> HumanRequest:
    known = {"id": "secret-id", "kind": "approve", "message": "Ship it?", "asked_at": 1.8e9, "line": 9}
    return HumanRequest(**{**known, **fields})


def tokens(number: int) -> Usage:
    return Usage(total_tokens=number)


def test_the_text_reads_as_a_whole() -> None:
    """The text of a run: status and what was spared, stages, checkpoints in columns, notices, value."""
    run = run_of(
        checkpoint("0", "collect notes", line=4),
        checkpoint("1", "Release notes", "human", line=9, value=True),
        checkpoint("2", "upload", "tool_call", line=12, error="connection refused"),
        stages_declared=("prepare", "approve", "ship"),
        stages=[StageMove(from_stage=None, to_stage="approve", timestamp=1.0)],
        notices=[Notice(kind="notify", message="Shipped")],
        value={"shipped": True},
    )
    assert record_text(run).split("\n") == [
        "release: completed · kept 0, ran 3",
        "stages: prepare > [approve] > ship",
        "  ran     step    collect notes  line 4",
        "  ran     person  Release notes  line 9   Approve",
        "  failed  tool    upload         line 12  connection refused",
        "[info] Shipped",
        'value: {"shipped": true}',
    ]


def test_the_first_line_says_what_was_spared() -> None:
    """Tokens count where they were spent, once, for what was kept and for what ran."""
    run = run_of(
        checkpoint("0", "writer", "agent_turn", replayed=True, usage=tokens(31_000)),
        checkpoint("0/0", "gpt", "model_call", replayed=True, usage=tokens(30_000)),
        checkpoint("0/1", "gpt", "model_call", replayed=True, usage=tokens(1_000)),
        checkpoint("1", "draft"),
        checkpoint("1/0", "critic", "agent_turn"),
        checkpoint("1/0/0", "gpt", "model_call", usage=tokens(1_450)),
    )
    spared = "kept 1 (31k tokens), ran 1 (1.4k tokens)"
    assert record_text(run).split("\n")[0] == f"release: completed · {spared}"
    assert spared in Page(record_html(run)).text.strip().split("\n")[0]


def test_checkpoints_of_one_name_in_a_row_fold() -> None:
    """A row of one name is one line with its count and failures, in text and in HTML."""
    rows = [
        checkpoint(str(at), kind="tool_call", line=12, replayed=at < 200, error="503" if at < 3 else None)
        for at in range(237)
    ]
    text = record_text(run_of(*rows))
    assert "fetch ×237, 200 kept, 3 failed" in text
    assert text.count("fetch") == 1
    page = Page(record_html(run_of(*rows)))
    assert page.tags.count("tr") == 1
    assert "fetch ×237, 200 kept, 3 failed" in page.text


def test_what_is_inside_is_nested_under_its_checkpoint() -> None:
    """Inner checkpoints are indented in text and folded under the outer one in HTML; those of a folded row gather."""
    inner = [
        one for at in "01" for one in (checkpoint(at, "writer"), checkpoint(f"{at}/0", "a"), checkpoint(f"{at}/1", "b"))
    ]
    text = record_text(run_of(*inner)).split("\n")
    assert [line.split(None, 2)[2] for line in text[1:]] == ["writer ×2", "a ×2", "b ×2"]
    assert text[2].index("a ×2") == text[1].index("writer") + 2
    assert Page(record_html(run_of(*inner))).tags.count("details") == 1


def test_ten_thousand_checkpoints_make_a_short_record() -> None:
    """At most 200 checkpoints in HTML and 60 lines of text, the first and the last ones; what is missing is counted."""
    rows = [checkpoint(str(at), f"item {at}", error="bad" if at == 5000 else None) for at in range(10_000)]
    run = run_of(
        *rows, notices=[Notice(kind="log", message=f"note {at}") for at in range(5_000)], value=list(range(9999))
    )
    page, text = Page(record_html(run)), record_text(run)
    assert page.tags.count("tr") == 201
    assert "9,800 checkpoints left out, 1 failed" in page.text
    assert len(text.split("\n")) == 60
    assert re.search(r"item 0\n", text)
    assert "item 9999" in text
    assert "note 4999" in text
    assert "note 4999" in page.text


def test_a_record_is_bounded_whatever_the_run() -> None:
    """The worst values everywhere stay under 300 kB of HTML, 60 lines of text, and little work for each."""
    worst = "<&\"'>$" * 5_000
    notice = {
        "level": "error",
        "message": worst,
        "content": f"- {worst}",
        "source": worst,
        "context": [{worst: worst}] * 50,
    }
    details = tuple({"title": worst, "content": worst} for _ in range(30))
    run = run_of(
        *(checkpoint(str(at), f"{at}{worst}", error=worst) for at in range(10_000)),
        notices=[Notice(kind=kind, details=details, **notice) for kind in ("notify", "print", "log")] * 1000,
        pending=request_of(message=worst, artifact=worst, context={worst: worst}, response_schema={worst: worst}),
        error=LuaRuntimeError(worst, hint=worst),
        stages_declared=tuple(f"{at}{worst}" for at in range(2_000)),
        value={worst: [worst] * 1_000},
        change=worst,
    )
    assert lines_run(lambda: (record_html(run), record_text(run))) < 400 * len(run.checkpoints)
    html, text = record_html(run), record_text(run)
    assert len(html.encode()) < 300_000
    assert len(text.split("\n")) <= 60
    assert max(map(len, text.split("\n"))) < 700
    assert set(Page(html).tags) <= KEPT_TAGS


def hostile_run(text: str) -> Run:
    """A run that shows the text in every place where one can be."""
    return run_of(
        checkpoint("0", text, error=text),
        checkpoint("0/0", text),
        checkpoint("1", text, "human", value=text),
        checkpoint("2", text, "human", value={"decision": text, "feedback": text}),
        name=text,
        status="failed",
        error=LuaRuntimeError(text, hint=text, line=3),
        change=text,
        stages_declared=(text,),
        stages=[StageMove(from_stage=None, to_stage=f"{text}2", timestamp=0.0)],
        stop=Stop(requested=True, reason=text),
        value={text: [text]},
        notices=[
            Notice(
                kind=kind,
                message=text,
                content=text,
                source=text,
                context={text: text},
                details=({"title": text, "content": text},),
            )
            for kind in ("notify", "alert", "log", "print", "warning")
        ],
        pending=request_of(
            kind="review",
            message=text,
            artifact=text,
            artifact_type="markdown",
            context=[{text: text}],
            placeholder=text,
            options=(HumanOption(label=text),),
            fields=(RequestField(id=text, message=text),),
            default=text,
            timeout_seconds=60,
        ),
    )


@given(st.text(max_size=200) | st.text(alphabet="<>&\"'`*_[](){}#-~|\n $%ab:/", max_size=80) | st.just(HOSTILE))
def test_no_value_can_act(text: str) -> None:
    """Whatever text the run carries, the HTML has only elements that show, and both forms encode as UTF-8."""
    run = hostile_run(text)
    page = Page(record_html(run, volatile=True))
    assert set(page.tags) <= KEPT_TAGS
    assert page.attribute_names <= KEPT_ATTRIBUTES
    assert all(value and value.startswith(("http://", "https://")) for name, value in page.attributes if name == "href")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", record_text(run).encode().decode())


def test_styles_are_those_that_sanitizers_keep() -> None:
    """No variables, no url(), no positions: only plain inline styles, and no style element or script."""
    html = record_html(hostile_run("plain"), volatile=True)
    assert not re.search(r"var\(|url\(|position|@|expression|<style|<svg|<script", html)
    assert 'class="tex2jax_ignore mathjax_ignore"' in html


def test_a_headless_record_has_nothing_that_changes() -> None:
    """Without ``volatile`` there is no duration, time of day, id or address; with it durations and a deadline."""
    request = request_of(timeout_seconds=300, expires_at=1.8e9 + 300)
    failure = "cannot pickle <Thing object at 0x7f3a5c0de1f0>"

    def record(number: int, *, headless: bool = True) -> Run:
        rows = (checkpoint("0", duration_seconds=1.5 * number), checkpoint("1", "save", error=failure))
        ids = {"run_id": f"id-{number}", "headless": headless}
        return run_of(*rows, status="paused", pending=request, error=ToolError(failure), value={"x": object()}, **ids)

    assert record_html(record(1)) == record_html(record(2))
    assert record_text(record(1)) == record_text(record(2, headless=False))
    for shown in (record_html(record(1)), record_text(record(1))):
        assert not re.search(r"0x7f|1\.5 s|20\d\d-|secret-id|id-1", shown)
    assert "<Thing object>" in record_text(record(1))
    assert re.search(r"1\.5 s", record_html(record(1, headless=False)))
    assert "2027-01-" in record_html(record(1), volatile=True)


def test_a_failed_run_says_where_why_and_what_to_do() -> None:
    """The error's line, message and hint are shown, in text and in HTML."""
    run = run_of(
        status="failed", error=LuaRuntimeError("attempt to index a nil value", line=14, hint="check the reply")
    )
    assert record_text(run).split("\n")[1:] == ["error: line 14: attempt to index a nil value", "  check the reply"]
    shown = Page(record_html(run)).text
    assert "failed" in shown
    assert "line 14 attempt to index a nil value" in shown
    assert "check the reply" in shown


def test_a_paused_run_shows_its_question_and_how_to_keep_it() -> None:
    """An open question is in the record with the command that answers it; one in memory only says how to keep it."""
    run = run_of(name="my run", status="paused", pending=request_of(timeout_seconds=300, default=False))
    for shown in (record_text(run), Page(record_html(run)).text.replace("\n", " ")):
        assert "Ship it?" in shown
        assert "%procedures answer 'my run' yes" in shown
        assert re.search(r"after 5 min without an answer:? Reject", shown)
        assert "--store runs.db keeps it on disk" in shown
    assert "--store" not in record_text(run_of(status="paused", pending=request_of(), store_url="/data/runs.db"))


def test_a_stopped_run_says_how_to_go_on() -> None:
    """A cancelled run, and a stop that was requested, are said."""
    text = record_text(run_of(status="cancelled", stop=Stop(requested=True, reason="enough", success=False)))
    assert "stopped; run it again to go on" in text
    assert "stop requested: enough (without success)" in text


def _stage_run(declared: tuple[str, ...], *moves: str) -> Run:
    stages = [StageMove(from_stage=None, to_stage=name, timestamp=0.0) for name in moves]
    return run_of(stages_declared=declared, stages=stages)


@pytest.mark.parametrize(
    ("declared", "moves", "text", "html"),
    [
        (("a", "b", "c"), ("a", "b"), "a > [b] > c", "✓ a › b › c"),
        (("a", "b", "c"), ("a", "c"), "a > b > [c]", "✓ a › b › c"),
        (("a", "b"), (), "a > b", "a › b"),
        ((), ("x", "y", "x"), "[x] > y", "x › ✓ y"),
    ],
)
def test_the_stage_bar(declared: tuple[str, ...], moves: Sequence[str], text: str, html: str) -> None:
    """Declared stages in order with what is done and current; undeclared ones in the order visited."""
    run = _stage_run(declared, *moves)
    assert f"stages: {text}" in record_text(run)
    assert html in Page(record_html(run)).text


def test_objects_in_values_are_named_by_type() -> None:
    """A handle shows its type and nothing of its own text, which may hold an address or markup."""
    text = record_text(run_of(value={"frame": object(), "raw": b"123", "n": None}))
    assert text.endswith('value: {"frame": <object>, "raw": <3 bytes>, "n": null}')


def test_a_long_value_is_shortened_in_text_and_folded_in_html() -> None:
    """Text has at most about 200 characters of a value; HTML folds a long one."""
    run = run_of(value=[{"index": at, "text": "word " * 20} for at in range(200)])
    assert len(record_text(run).split("\n")[-1]) <= 207
    assert "<details><summary" in record_html(run)


def test_the_state_folds() -> None:
    """State is a table that is folded, and one too large to show is not read at all."""
    shown = record_html(run_of(state_text='{"count": 3}'))
    assert "<details><summary" in shown
    assert "count" in Page(shown).text
    assert "too large to show here" in record_html(run_of(state_text="{" + " " * 2_000_000))


def test_text_says_how_much_is_inside() -> None:
    """Where the text has no room for what is inside, it counts it."""
    rows = [
        one
        for at in range(25)
        for one in (checkpoint(f"{at}", f"turn {at}"), checkpoint(f"{at}/0"), checkpoint(f"{at}/1", "b"))
    ]
    assert "turn 24 (+2 inside)" in record_text(run_of(*rows, notices=[Notice(kind="print", message="x")] * 99))


def test_a_list_of_rows_is_a_table() -> None:
    """A value of many rows is a folded table that says how many there are; one of few rows is open."""
    rows = [{"id": at, "name": f"customer {at}", "tags": ["a", "b"]} for at in range(1000)]
    many = record_html(run_of(value=rows))
    assert "value (1,000 rows)" in Page(many).text
    assert "… 980 more rows" in Page(many).text
    assert Page(many).tags.count("th") == 3
    assert "<details open>" not in many
    assert "<details open>" in record_html(run_of(value=rows[:5]))


def test_columns_that_are_left_out_are_told() -> None:
    """A table shows eight columns and marks that there are more."""
    page = Page(record_html(run_of(value=[{f"k{at}": at for at in range(12)}])))
    assert page.tags.count("th") == 9
    assert "…" in page.text


def test_nested_rows_are_no_table() -> None:
    """Rows that hold much more than a word are shown as JSON, with nothing cut out of a cell."""
    page = Page(record_html(run_of(value=[{"deep": {"list": list(range(60))}}])))
    assert "table" not in page.tags
    assert '"deep": {' in page.text


def test_a_folded_value_and_state_say_what_they_hold() -> None:
    """Without unfolding, a person sees the start of a long value and the names in the State."""
    run = run_of(value={"report": {"text": "word " * 400}}, state_text='{"customer": 1, "orders": [1]}')
    summaries = re.findall(r"<summary.*?</summary>", record_html(run))
    assert [Page(each).text[:30] for each in summaries] == [
        'value {"report": {"text": "wor',
        "state (customer, orders)",
    ]
