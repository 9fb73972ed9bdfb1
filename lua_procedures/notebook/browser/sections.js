// Sections of a panel that a person opened or closed stay so, however often the panel is drawn anew.
//
// A drawing replaces all elements. So a section is known by its key where it has one, else by the start of its summary
// and by how many before it begin alike, inside the section that it is in.

const LIVE = "lpf-live-";
const KEY = "lpf-section-";
const NEAR = 10; // pixels that a press may move, or what is pressed below it
const REMEMBERED = 1_000;
// What was opened and closed by hand, shared by all modules of a page: the same panel is drawn alone and above a form.
const CHOSEN = (globalThis[Symbol.for("lua_procedures.sections")] ??= new Map());
let keepers = 0;

class Sections {
  /** `onToggle` is called when a person opened or closed a section. */
  constructor(onToggle = () => {}) {
    this.onToggle = onToggle;
    this.own = `own-${(keepers += 1)}`;
    this.keys = new WeakMap();
    this.settled = new WeakMap(); // whether a section was open when it was last drawn or touched
    this.heard = new WeakSet();
    this.focused = null;
  }

  /** Bring what was just drawn below `root` to how the person left it; `mark` names the panel where its class does not. */
  take(root, mark = "") {
    this.root = root;
    this.nameAll(root, mark);
    for (const section of root.querySelectorAll("details")) {
      const key = this.keys.get(section);
      section.open = CHOSEN.get(key) ?? section.open;
      this.settled.set(section, section.open);
      const lost = key === this.focused && document.activeElement === document.body;
      if (lost) section.querySelector("summary").focus({ preventScroll: true });
    }
    this.listen(root);
  }

  nameAll(root, mark) {
    const counts = new Map();
    for (const section of root.querySelectorAll("details")) {
      const around = section.parentElement.closest("details");
      const live = section.closest(`[class*="${LIVE}"]`);
      const panel = mark || (live ? [...live.classList].find((name) => name.startsWith(LIVE)) : this.own);
      const name = `${this.keys.get(around) ?? panel} / ${nameOf(section)}`;
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      this.keys.set(section, `${name} ${count}`);
    }
  }

  listen(root) {
    if (this.heard.has(root)) return;
    this.heard.add(root);
    root.addEventListener("toggle", (event) => this.toggled(event.target), true); // it does not bubble
    root.addEventListener("focusin", ({ target }) => this.focusedOn(target));
    root.addEventListener("focusout", ({ target }) => queueMicrotask(() => target.isConnected && (this.focused = null)));
    for (const type of ["pointerdown", "keydown"]) root.addEventListener(type, (event) => this.pressed(event));
  }

  /** The browser tells of a section that was drawn open, too; that is not what a person did. */
  toggled(section) {
    if (!this.keys.has(section) || section.open === this.settled.get(section)) return;
    this.settled.set(section, section.open);
    remember(this.keys.get(section), section.open);
    if (!section.isConnected) this.take(this.root); // it was drawn anew in the same moment
    this.onToggle();
  }

  /** The browser toggles no section that is drawn anew before it is released. */
  pressed(event) {
    const section = event.target.closest("summary")?.parentElement;
    const key = this.keys.get(section);
    if (key) onRelease(event, () => section.isConnected || this.toggle(key));
  }

  toggle(key) {
    const section = [...this.root.querySelectorAll("details")].find((each) => this.keys.get(each) === key);
    if (!section) return;
    section.open = !section.open;
    this.toggled(section);
  }

  focusedOn(target) {
    const section = target.closest("summary")?.parentElement;
    this.focused = this.keys.get(section) ?? null;
  }
}

/** Call `released` when what was pressed, with the pointer or the space bar, is released where it was pressed. */
function onRelease(event, released) {
  const byKey = event.type === "keydown";
  if (byKey ? event.key !== " " || event.repeat : !event.isPrimary || event.button !== 0) return;
  const over = new AbortController();
  const listen = (type, listener) => addEventListener(type, listener, { capture: true, signal: over.signal });
  const near = (up) => Math.hypot(up.clientX - event.clientX, up.clientY - event.clientY) <= NEAR;
  for (const type of ["pointercancel", "pointerdown"]) listen(type, () => over.abort());
  listen(byKey ? "keyup" : "pointerup", (up) => {
    if (byKey ? up.key !== " " : up.pointerId !== event.pointerId) return;
    over.abort();
    if (byKey || near(up)) released();
  });
}

function remember(key, open) {
  CHOSEN.delete(key);
  CHOSEN.set(key, open);
  if (CHOSEN.size > REMEMBERED) CHOSEN.delete(CHOSEN.keys().next().value);
}

function nameOf(section) {
  const key = [...section.classList].find((name) => name.startsWith(KEY));
  const start = (section.querySelector("summary")?.firstChild?.textContent ?? "").trim();
  return key ?? (start.startsWith("…") ? start.replace(/\d+/g, "#") : start);
}
