"""Agents in a notebook: text as it comes, tool calls that fold, a record that reads well, a stop that stops."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ..bounds import PATIENCE
from .procedures import LOAD, WIDGET, Cells

pytestmark = pytest.mark.browser

WATCH = """(output) => {
    window.drawn = [];
    new MutationObserver(() => {
        const now = performance.now();
        if (now - (window.drawn.at(-1) ?? 0) > 20) window.drawn.push(now);
    }).observe(output, {childList: true, subtree: true, characterData: true});
}"""
MODELS = """\
from lua_procedures.testing import ScriptedChatModel
triage = ScriptedChatModel(delay=0.05, answers=[
    {"content": "Let me look at the order and the customer first.", "tool_calls": [
        {"name": "find_order", "args": {"number": "A-1041", "with_items": True}},
        {"name": "find_customer", "args": {"email": "ada@example.org"}}],
     "usage": {"prompt_tokens": 310, "completion_tokens": 42, "total_tokens": 352}},
    {"content": "**A-1041** was sent on 3 March.\\n\\n- The parcel is *late*, not lost.\\n- Run `track A-1041`."
                "\\n\\n```lua\\nreturn order.status\\n```\\n" + "The carrier says it arrives tomorrow. " * 8,
     "usage": {"prompt_tokens": 520, "completion_tokens": 130, "total_tokens": 650}},
    {"content": "Dear Ada, your parcel is on its way and arrives tomorrow. " + "We are sorry for the wait. " * 6,
     "usage": {"prompt_tokens": 700, "completion_tokens": 60, "total_tokens": 760}},
])
slow = ScriptedChatModel(delay=0.2, answers=["word " * 600, "word " * 600])
fast = ScriptedChatModel(delay=0.001, answers=[" ".join(f"word{number}" for number in range(1500))])
"""
TRIAGE = """\
%%procedure triage --chat-model triage -o triage_run
find_order = Tool{description = "Finds an order", input = {number = "string", with_items = "boolean"},
  function(args) Sleep(0.3) return {number = args.number, status = "sent", items = {"lamp", "bulb", "cable"}} end}
find_customer = Tool{description = "Finds a customer", input = {email = "string"}, requires_approval = APPROVAL,
  function(args) error("the customer service does not answer") end}
clerk = Agent{system_prompt = "You help customers.", tools = {find_order, find_customer}}
writer = Agent{system_prompt = "You write letters."}
local facts = clerk("Where is order A-1041 of ada@example.org?")
return writer("Answer the customer. What we know:\\n" .. facts.content).content
"""


@pytest.fixture(scope="module")
def talks(open_shared_notebook):
    """A notebook that holds the models, shared by the tests of this module."""
    cells = Cells(open_shared_notebook(LOAD, "", "", ""))
    cells.begin(MODELS, 2)
    cells.notebook.wait_until_idle()
    return cells


def renew(cells):
    """Give the models their scripts from the start."""
    cells.begin(MODELS, 2)
    cells.notebook.wait_until_idle()


def test_text_streams_and_tools_fold(talks, shot):
    """Text is there while the model speaks, tools below it with arguments and results, the form in between."""
    renew(talks)
    talks.begin(TRIAGE.replace("APPROVAL", "true"))
    output = talks.notebook.cell_output(1)
    expect(output).to_contain_text("to clerk Where is order A-1041", timeout=PATIENCE * 1000)
    expect(output).to_contain_text("Let me look")
    assert "completed" not in talks.text()
    shot(talks.notebook, "streaming")
    order = output.locator("details").filter(has_text="find_order").last
    expect(order).to_contain_text('find_order {"number": "A-1041", "with_items": true}', timeout=PATIENCE * 1000)
    shot(talks.notebook, "tools")
    talks.form("find_customer")
    expect(output).to_contain_text("waiting for an answer")
    expect(order).not_to_have_attribute("open", "")
    shot(talks.notebook, "approval")
    talks.press("Approve")
    expect(output).to_contain_text("failed: the customer service does not answer", timeout=PATIENCE * 1000)
    expect(output.locator("strong", has_text="A-1041")).to_be_visible(timeout=PATIENCE * 1000)
    shot(talks.notebook, "streaming-again")
    talks.notebook.wait_for_text(1, "completed")
    talks.notebook.wait_until_idle()
    talks.has_no_form()
    order.locator("summary").last.evaluate("(summary) => summary.closest('details').open = true")
    assert "running" not in talks.text()
    assert talks.python("triage_run.usage.total_tokens") == 1762


def test_the_record_reads_well_after_reload(talks, open_notebook, shot):
    """The saved notebook holds the transcript, folded, for whoever opens it: trusted or not, light, dark, narrow."""
    renew(talks)
    talks.finish(TRIAGE.replace("APPROVAL", "false").replace("procedure triage", "procedure reread"))
    notebook = talks.notebook
    shot(notebook, "record")
    saved = talks.saved_output()
    assert WIDGET not in saved
    assert "agents: clerk (1k tokens), writer (760 tokens); 1.7k tokens in all" in saved["text/plain"]
    contents = notebook.save()
    other = open_notebook(saved=contents)
    output = other.cell_output(1)
    expect(output).to_contain_text("1.7k tokens in all", timeout=PATIENCE * 1000)
    clerk = output.locator("details").filter(has_text="to clerk").last
    expect(clerk.get_by_text("The parcel is late")).not_to_be_visible()
    clerk.locator("summary").first.click()
    expect(clerk.get_by_text("The parcel is late")).to_be_visible()
    tool = clerk.locator("details").filter(has_text="find_order").last
    tool.locator("summary").first.click()
    expect(tool.get_by_text('"status": "sent"').last).to_be_visible()
    shot(other, "reopened")
    other.set_dark()
    other.page.set_viewport_size({"width": 1180, "height": 1400})
    other.page.wait_for_timeout(500)
    shot(other, "reopened-dark")
    other.page.set_viewport_size({"width": 720, "height": 1400})
    other.page.wait_for_timeout(500)
    shot(other, "reopened-narrow")
    wide = output.evaluate(
        "(each) => [...each.querySelectorAll('details')].some((one) => one.scrollWidth > one.clientWidth + 1)"
    )
    assert not wide


def test_a_fast_model_leaves_the_browser_responsive(talks):
    """Fifteen hundred words in a few seconds change the output at most ten times a second; the record has them all."""
    renew(talks)
    output = talks.notebook.cell_output(1)
    talks.finish("%%procedure before\nreturn 'nothing'")
    output.evaluate(WATCH)
    talks.begin("%%procedure fast --chat-model fast\na = Agent{}\nreturn #a('Count').content")
    expect(output).to_contain_text("word400", timeout=PATIENCE * 1000)
    talks.notebook.wait_for_text(1, "completed", PATIENCE)
    drawn = talks.page.evaluate("window.drawn")
    seconds = (drawn[-1] - drawn[0]) / 1000
    print(f"{len(drawn)} changes in {seconds:.1f} s")  # noqa: T201 - a figure to read
    assert len(drawn) <= 11 * seconds + 4
    assert "word0 " in talks.text()
    assert "word1499" in talks.text()


def test_stop_cancels_a_slow_model(talks, shot):
    """Stop in the middle of a text ends the request; what was said is in the record's turn, and the kernel lives on."""
    renew(talks)
    talks.begin("%%procedure slow --chat-model slow -o slow_run\na = Agent{}\nreturn a('Speak').content")
    expect(talks.notebook.cell_output(1)).to_contain_text("word word", timeout=PATIENCE * 1000)
    talks.stop()
    talks.notebook.wait_for_text(1, "cancelled")
    shot(talks.notebook, "stopped")
    assert "stopped\nword word" in talks.text().replace("stopped\n\n", "stopped\n")
    assert talks.python("slow_run.status") == "cancelled"
