"""What a person does with a form: each deed is one answer, by mouse or by keyboard."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator

from .procedures import Cells

__all__ = [
    "Deed", "choose_next", "edit", "enter", "fill_crate", "fill_evening", "press", "retype", "submit_choices",
    "submit_text", "tick", "type_crate", "type_evening", "type_text",
]  # fmt: skip

#: Something that a person does with a form.
Deed = Callable[[Cells, Locator], None]


# By mouse ------------------------------------------------------------------------------------------------------------


def press(name: str, _cells: Cells, form: Locator) -> None:
    form.get_by_role("button", name=name, exact=True).click()


def submit_text(text: str, _cells: Cells, form: Locator) -> None:
    form.get_by_role("textbox").fill(text)
    form.get_by_role("button", name="Submit").click()


def submit_choices(labels: list[str], _cells: Cells, form: Locator) -> None:
    for label in labels:
        form.get_by_label(label, exact=True).check()
    form.get_by_role("button", name="Submit").click()


def fill_evening(_cells: Cells, form: Locator) -> None:
    form.get_by_label("Evening").fill("2027-05-14")
    form.get_by_label("Guests").fill("60")
    form.get_by_role("radio", name="Yes").check()
    form.get_by_role("button", name="Submit").click()


def edit(text: str, button: str, _cells: Cells, form: Locator) -> None:
    if not form.get_by_role("textbox", name="Edit the artifact").is_visible():
        form.get_by_role("button", name="Edit", exact=True).click()
    form.get_by_role("textbox", name="Edit the artifact").fill(text)
    if button:
        form.get_by_role("button", name=button, exact=True).click()


def fill_crate(_cells: Cells, form: Locator) -> None:
    form.get_by_role("radio", name="Approve").check()
    form.get_by_label("What is damaged?").fill("one corner")
    form.get_by_role("radio", name="Workshop").check()
    form.get_by_role("button", name="Submit").click()


# By keyboard ---------------------------------------------------------------------------------------------------------


def enter(name: str, cells: Cells, form: Locator) -> None:
    cells.tab_to(form.get_by_role("button", name=name, exact=True))
    cells.page.keyboard.press("Enter")


def type_text(text: str, send: str, cells: Cells, form: Locator) -> None:
    cells.tab_to(form.get_by_role("textbox"))
    cells.page.keyboard.press("Control+a")
    cells.page.keyboard.type(text)
    cells.page.keyboard.press(send)


def choose_next(first: str, cells: Cells, form: Locator) -> None:
    cells.tab_to(form.get_by_label(first, exact=True))
    cells.page.keyboard.press("ArrowDown")
    cells.page.keyboard.press("Enter")


def tick(labels: list[str], cells: Cells, form: Locator) -> None:
    for label in labels:
        cells.tab_to(form.get_by_label(label, exact=True))
        cells.page.keyboard.press("Space")
    cells.page.keyboard.press("Enter")


def type_evening(cells: Cells, form: Locator) -> None:
    # a form by schema has no order of its own: it is gone through from the top for each control
    for name, keys in (("Evening", "05142027"), ("Guests", "60")):
        form.focus()
        cells.tab_to(form.get_by_label(name))
        cells.page.keyboard.type(keys)
    form.focus()
    cells.tab_to(form.get_by_role("radio", name="Yes"))
    cells.page.keyboard.press("Space")
    cells.page.keyboard.press("Enter")


def retype(text: str, button: str, cells: Cells, form: Locator) -> None:
    cells.tab_to(form.get_by_role("button", name="Edit", exact=True))
    keyboard = cells.page.keyboard
    keyboard.press("Enter")
    keyboard.press("Control+a")
    keyboard.insert_text(text)
    keyboard.press("Escape")
    enter(button, cells, form)


def type_crate(cells: Cells, form: Locator) -> None:
    keyboard = cells.page.keyboard
    cells.tab_to(form.get_by_role("radio", name="Approve"))
    keyboard.press("Space")
    cells.tab_to(form.get_by_label("What is damaged?"))
    keyboard.type("one corner")
    cells.tab_to(form.get_by_role("radio", name="Depot"))
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
