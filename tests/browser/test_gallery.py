"""The pictures of docs/gallery.md: they are there, they are small, and the notebook still shows what they show.

With the variable ``LUA_PROCEDURES_GALLERY`` set to 1 the pictures are taken again.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from .kinds import KINDS, ask_all
from .pictures import picture
from .procedures import LOAD, Cells

pytestmark = pytest.mark.browser

DOCS = Path(__file__).parents[2] / "docs"
WRITES = os.environ.get("LUA_PROCEDURES_GALLERY") == "1"
MOST = 1_500_000  # bytes of all pictures
PNG = b"\x89PNG\r\n\x1a\n"

EXHIBITION = """\
%%procedure exhibition -p title="Left behind"
Stages{"collect", "decide", "open"}
Stage.set("collect")
local count = Step.run("count the umbrellas", function()
  State.set("counted", true)
  return 4112
end)
Stage.advance("decide")
local said = Human.review{
  message = "The first wall", artifact = "# " .. input.title .. "\\n\\n" .. count .. " umbrellas",
  artifact_type = "markdown", options = {"Print", {label = "Back", type = "cancel"}},
}
Stage.advance("open")
return {printed = said.decision == "Print", umbrellas = count}
"""
EVENING = """\
%%procedure evening
Human.notify{message = "The doors are open", content = "**212** people, and *one* who wants a trumpet back.",
             details = {{title = "Who came", content = "- 80 invited\\n- 132 not invited"}}}
System.alert{message = "The bell has rung", level = "info", source = "tower"}
System.alert{message = "The depot is almost full", level = "warning", source = "door", context = {inside = 196}}
System.alert{message = "The speech has no speaker", level = "error", source = "stage"}
System.alert{message = "Somebody eats the cake", level = "critical", source = "big case"}
Log.info("a guest has left", {at = "21:40"})
print("good night")
"""
LOCK = 'Human.approve{message = "Lock the depot?", context = {inside = "the cake"}'


class Camera:
    """Takes the pictures of one theme, or only notes that it could.

    Attributes:
        taken: the pictures' files.
    """

    def __init__(self, cells: Cells, theme: str) -> None:
        self.cells = cells
        self.theme = theme
        self.taken: set[str] = set()

    def take(self, name: str, target: Locator) -> None:
        """Take a picture of an element that is shown."""
        expect(target).to_be_visible()
        self.taken.add(f"{name}-{self.theme}.png")
        if WRITES:
            (DOCS / "images").mkdir(exist_ok=True)
            (DOCS / "images" / f"{name}-{self.theme}.png").write_bytes(picture(target))

    def take_output(self, name: str, text: str) -> None:
        """Take a picture of the cell's output, once it says the text."""
        self.cells.notebook.wait_for_text(1, text)
        self.take(name, self.cells.notebook.cell_output(1).locator(".jp-OutputArea-output").first)


def _pictures() -> set[str]:
    page = (DOCS / "gallery.md").read_text(encoding="utf-8")
    return set(re.findall(r"images/([\w-]+\.png)", page))


def _take_forms(camera):
    cells = camera.cells
    cells.begin(f"%%procedure kinds --quiet\n{ask_all(KINDS)}")
    for kind in KINDS:
        form = cells.form(kind.message)
        expect(form.locator(kind.shows).first).to_be_visible()
        camera.take(kind.name, form)
        if kind.more:
            name, deed, shows = kind.more
            deed(cells, form)
            expect(form.locator(shows).first).to_be_visible()
            camera.take(f"{kind.name}-{name}", form)
        kind.mouse(cells, form)
    cells.notebook.wait_for_text(1, "completed")


def _take_records(camera):
    cells = camera.cells
    cells.begin(EXHIBITION)
    cells.form("The first wall")
    camera.take_output("panel", "decide")
    cells.press("Print")
    camera.take_output("record", "completed")
    cells.begin(EVENING)
    camera.take_output("notices", "good night")
    cells.begin(f"%%procedure asleep\nreturn {LOCK}, default = true, timeout = 1}}")
    camera.take_output("timed-out", "timed out")
    cells.begin(f"%%procedure away\nreturn {LOCK}}}")
    cells.form("Lock the depot?")
    cells.stop()
    camera.take_output("stopped", "run it again")
    cells.begin(f"%%procedure busy --no-wait\nreturn {LOCK}}}")
    cells.form("Lock the depot?")
    camera.take_output("later", "The kernel is free")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_gallery_shows_what_there_is(open_notebook, theme):
    """Every picture of the page is of something that a notebook still shows, in its theme."""
    notebook = open_notebook(LOAD, "", "", front_end="notebook", width=620, scale=2)
    if theme == "dark":
        notebook.set_dark()
    camera = Camera(Cells(notebook), theme)
    _take_forms(camera)
    _take_records(camera)
    light = notebook.page.locator("body").get_attribute("data-jp-theme-light")
    assert light == str(theme == "light").lower()
    assert camera.taken == {name for name in _pictures() if name.endswith(f"-{theme}.png")}


def test_the_pictures_are_there_and_small():
    """The page has all pictures of the folder and no others, each a PNG, and together they are small."""
    folder = DOCS / "images"
    assert sorted(path.name for path in folder.iterdir()) == sorted(_pictures())
    assert [path.name for path in folder.iterdir() if not path.read_bytes().startswith(PNG)] == []
    assert sum(path.stat().st_size for path in folder.iterdir()) < MOST
