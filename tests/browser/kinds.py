"""Every kind of question, and how a person answers each by mouse or by keyboard."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from . import deeds
from .deeds import Deed

__all__ = ["KINDS", "Kind", "ask_all"]

PICTURE = """\
local picture = [[<svg xmlns="http://www.w3.org/2000/svg" width="420" height="150">
<rect width="420" height="150" fill="#1d3557"/><rect y="112" width="420" height="4" fill="#fff"/>
<path d="M300 92 a50 50 0 0 1 100 0 z" fill="#e63946"/>
<path d="M350 92 v36 q0 12 -12 12" stroke="#fff" stroke-width="5" fill="none"/>
<text x="24" y="82" font-family="sans-serif" font-size="40" fill="#fff">Left behind</text></svg>]]
picture = "data:image/svg+xml," .. string.gsub(picture, "[^%w]", function(sign)
  return string.format("%%%02X", string.byte(sign))
end)
"""
LABEL = "Trumpet, 1931. Found on line 4.\nNobody asked for it."
WALL = "# Left behind\n\nIn our trams we found\n\n- **4,112** umbrellas\n- *one* wedding cake\n"


@dataclass(frozen=True)
class Kind:
    """A question of one kind.

    Attributes:
        name: of its pictures, too.
        message: what is asked.
        options: the rest of the call, in Lua.
        shows: a selector of what only this form has.
        mouse, keyboard: answer it, both with ``value``.
        value: what the program gets.
        call: which ``Human`` call.
        more: another picture's name, what is done before it, and a selector of what it shows.
    """

    name: str
    message: str
    options: str
    shows: str
    mouse: Deed
    keyboard: Deed
    value: Any
    call: str
    more: tuple[str, Deed, str] | None = None

    @property
    def program(self) -> str:
        """The call in Lua."""
        return f"Human.{self.call}{{message = {self.message!r}, {self.options}}}"


def ask_all(kinds: list[Kind]) -> str:
    """A program that asks all of them in turn and returns what it got, by name."""
    asked = [f"answers[{kind.name!r}] = {kind.program}" for kind in kinds]
    return "\n".join([PICTURE, "local answers = {}", *asked, "return answers"])


def _pressed(name: str) -> tuple[Deed, Deed]:
    return partial(deeds.press, name), partial(deeds.enter, name)


def _edited(text: str, button: str) -> tuple[Deed, Deed]:
    return partial(deeds.edit, text, button), partial(deeds.retype, text, button)


def _review(artifact: str, kind: str) -> str:
    options = '{"Print", {label = "Back", type = "cancel"}}'
    return f"artifact = {artifact}, artifact_type = {kind!r}, options = {options}"


def _proof(kind: str, message: str, artifact: str, shows: str, edited: Any = None, **more: Any) -> Kind:
    answered = _pressed("Print") if edited is None else _edited(more.pop("typed", edited), "Print")
    value = {"decision": "Print", "feedback": "", "timed_out": False}
    value |= {} if edited is None else {"edited_artifact": edited}
    return Kind(
        f"review-{kind}", message, _review(artifact, kind), shows, *answered, value=value, call="review", **more
    )


_LUA_LABEL = repr(LABEL)
_EVENING = """response_schema = {type = "object", required = {"date", "guests"}, properties = {
  date = {type = "string", format = "date", title = "Evening"},
  guests = {type = "integer", minimum = 1, title = "Guests", description = "The room holds 80."},
  speech = {type = "boolean", title = "Speech"}}}"""
_CRATE = """fields = {
  {id = "whole", type = "approve", message = "Did it arrive whole?"},
  {id = "damage", message = "What is damaged?", placeholder = "Where, and how much"},
  {id = "into", type = "select", message = "Where to?", options = {"Depot", "Workshop", "Back"}}}"""
_ROOMS = """options = {{label = "Tower", value = 1}, {label = "Tram depot", value = 2}, {label = "Cellar", value = 3}},
  default = 2, timeout = 3 * 24 * 3600"""
_CASE = ["an umbrella", "a wedding cake"]
_PLAN = '{cases = {{thing = "a trumpet", x = 2.5}, {thing = "one ski", x = 6}}, doors = 2}'
_LOANS = """{
  {thing = "glass eye", lender = "Eye clinic", value = 900}, {thing = "trumpet", lender = "R. Adler", value = 350}}"""
_PAGE = "\"<h2 style='font-family: serif'>You are invited</h2><p>Please leave nothing behind.</p>\""

KINDS = [
    Kind(
        "approve",
        "Borrow the glass eye?",
        'context = {lender = "Eye clinic", weeks = 12, insurance = "40 a month"}',
        "button:has-text('Reject')",
        *_pressed("Approve"),
        value=True,
        call="approve",
    ),
    Kind(
        "input",
        "What is the exhibition called?",
        'placeholder = "Two or three words"',
        "input[placeholder='Two or three words']",
        mouse=partial(deeds.submit_text, "Left behind"),
        keyboard=partial(deeds.type_text, "Left behind", "Enter"),
        value="Left behind",
        call="input",
    ),
    Kind(
        "input-multiline",
        "What stands below the title?",
        'multiline = true, default = "A hundred years\\nof lost things"',
        "textarea",
        mouse=partial(deeds.submit_text, "found\nin trams"),
        keyboard=partial(deeds.type_text, "found\nin trams", "Control+Enter"),
        value="found\nin trams",
        call="input",
    ),
    Kind(
        "input-choices",
        "On which paper?",
        'options = {"matt", "glossy", "old tickets"}',
        "input[type=radio]",
        mouse=partial(deeds.submit_choices, ["glossy"]),
        keyboard=partial(deeds.choose_next, "matt"),
        value="glossy",
        call="input",
    ),
    Kind(
        "input-schema",
        "How do we open?",
        _EVENING,
        "input[type=date]",
        mouse=deeds.fill_evening,
        keyboard=deeds.type_evening,
        value={"date": "2027-05-14", "guests": 60, "speech": True},
        call="input",
    ),
    Kind(
        "select",
        "Which room?",
        _ROOMS,
        "[role=timer]:has-text('Takes “Tram depot” in 3 days')",
        mouse=partial(deeds.submit_choices, ["Cellar"]),
        keyboard=partial(deeds.choose_next, "Tram depot"),
        value=3,
        call="select",
    ),
    Kind(
        "select-multiple",
        "What goes into the big case?",
        'options = {"an umbrella", "a trumpet", "a wedding cake", "one ski"}, mode = "multiple", min = 2, max = 2',
        "input[type=checkbox]",
        mouse=partial(deeds.submit_choices, _CASE),
        keyboard=partial(deeds.tick, _CASE),
        value=_CASE,
        call="select",
    ),
    _proof("text", "The label of the trumpet", _LUA_LABEL, "pre:has-text('Nobody asked')", "Trumpet, 1931."),
    _proof(
        "markdown",
        "The first wall",
        repr(WALL),
        "li strong:has-text('4,112')",
        WALL + "- a glass eye\n",
        more=("edited", partial(deeds.edit, WALL + "- a glass eye\n", ""), "ins:has-text('a glass eye')"),
    ),
    _proof("code", "The light show", r'"for lamp = 1, 12 do\n  fade(lamp, 40)\nend"', "pre:has-text('fade(lamp, 40)')"),
    _proof("json", "The floor plan", _PLAN, "pre:has-text('2.5')", {"doors": 3.0}, typed='{"doors": 3.0}'),
    _proof("table", "The loans", _LOANS, "table td:has-text('Eye clinic')"),
    _proof("image", "The poster", "picture", "img[src^='data:image/svg']"),
    _proof("html", "The invitation", _PAGE, "iframe[sandbox='']"),
    Kind(
        "multiple",
        "The crate of R. Adler",
        _CRATE,
        "[role=radiogroup]:has-text('Workshop')",
        mouse=deeds.fill_crate,
        keyboard=deeds.type_crate,
        value={"whole": True, "damage": "one corner", "into": "Workshop"},
        call="multiple",
        more=("problems", partial(deeds.press, "Submit"), "[role=alert]:has-text('required')"),
    ),
    Kind(
        "escalate",
        "The depot is too damp for the cake",
        'severity = "critical", context = {humidity = "71 %", limit = "60 %"}',
        ".lpf-critical",
        *_pressed("Resolved"),
        value=None,
        call="escalate",
    ),
]
