const NOTHING_LOADED = `<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">`;

/** The artifact of a question: shown by its type, edited as text, with the edit's differences by line. */
class Artifact {
  /** @param view `{kind, text, editable, columns?, rows?}`; @param onEdit called after each change. */
  constructor(view, prefix, edited, onEdit) {
    this.view = view;
    this.text = edited ?? view.text;
    this.onEdit = onEdit;
    this.problemId = `${prefix}-artifact-problem`;
    this.content = h("div", { class: "lpf-artifact-content" });
    this.problem = h("div", { class: "lpf-problem", id: this.problemId, role: "alert" });
    this.summary = h("span", { class: "lpf-hint", id: `${prefix}-artifact-summary` });
    this.diff = scrolling("div", "lpf-diff", "Changes to the artifact");
    this.changes = h("div", { class: "lpf-changes" }, this.summary, this.diff);
    this.box = this.makeBox();
    this.editButton = button("lpf-small", "Edit", () => (this.editing ? this.stopEditing() : this.startEditing()));
    this.revertButton = button("lpf-small", "Revert", () => this.revert());
    this.element = this.makeElement(`${prefix}-artifact-title`);
    this.showContent();
  }

  makeElement(titleId) {
    const tools = this.view.editable ? [this.editButton, this.revertButton] : [];
    const title = h("span", { class: "lpf-label", id: titleId }, "Artifact");
    const head = h("div", { class: "lpf-artifact-head" }, title, h("span", { class: "lpf-space" }), ...tools);
    const parts = [head, this.content, this.box, this.problem, this.changes];
    return h("section", { class: "lpf-artifact", "aria-labelledby": titleId }, ...parts);
  }

  makeBox() {
    const box = h("textarea", {
      "class": "lpf-box lpf-code",
      "aria-label": "Edit the artifact",
      "aria-describedby": `${this.problemId} ${this.summary.id}`,
      "spellcheck": this.view.kind === "code" || this.view.kind === "json" ? "false" : null,
      "oninput": () => this.change(box.value),
      ...SUPPRESS,
    });
    return box;
  }

  /** The edited text, null where nothing was edited. */
  get edited() {
    return this.text === this.view.text ? null : this.text;
  }

  change(text) {
    this.text = text;
    this.showChanges();
    this.onEdit();
  }

  startEditing() {
    this.editing = true;
    this.box.value = this.text;
    this.box.rows = Math.min(20, Math.max(4, this.text.split("\n").length + 1));
    this.showContent();
    this.box.focus();
    this.box.setSelectionRange(0, 0);
  }

  stopEditing() {
    this.editing = false;
    this.showContent();
    this.editButton.focus();
  }

  revert() {
    this.box.value = this.view.text;
    this.change(this.view.text);
    this.showContent();
    (this.editing ? this.box : this.editButton).focus();
  }

  show(problem) {
    this.problem.textContent = problem;
    if (problem) this.box.setAttribute("aria-invalid", "true");
    else this.box.removeAttribute("aria-invalid");
  }

  showContent() {
    this.editButton.textContent = this.editing ? "Done" : "Edit";
    this.box.hidden = !this.editing;
    this.content.hidden = Boolean(this.editing);
    this.content.replaceChildren(rendered({ ...this.view, text: this.text }));
    this.showChanges();
  }

  showChanges() {
    const edited = this.edited !== null;
    this.revertButton.hidden = this.changes.hidden = !edited;
    const { elements, summary } = edited ? difference(this.view.text, this.text) : { elements: [], summary: "" };
    this.summary.textContent = summary;
    this.diff.replaceChildren(...elements);
  }
}

function rendered(view) {
  if (view.kind === "markdown") return renderedMarkdown(view.text);
  if (view.kind === "image") return image(view.text);
  if (view.kind === "html") return htmlFrame(view.text);
  if (view.rows) return table(view);
  return plainText(view.text);
}

function plainText(text) {
  return scrolling("pre", "lpf-pre", "Text of the artifact", text);
}

/** Markdown nested too deeply for the browser is shown as text. */
function renderedMarkdown(text) {
  try {
    return scrolling("div", "lpf-markdown", "Text of the artifact", ...markdown(text));
  } catch (error) {
    if (error instanceof RangeError) return plainText(text);
    throw error;
  }
}

function image(url) {
  if (!url) return h("span", { class: "lpf-quiet" }, "This image cannot be shown: it is neither image data nor a link.");
  return h("img", { src: url, alt: "Artifact", referrerpolicy: "no-referrer" });
}

/** A frame without any permission: no scripts, no forms, no way to the page around it, nothing loaded from elsewhere. */
function htmlFrame(text) {
  return h("iframe", { sandbox: "", srcdoc: NOTHING_LOADED + text, title: "Artifact", referrerpolicy: "no-referrer" });
}

function table(view) {
  const head = h("tr", {}, ...view.columns.map((column) => h("th", { scope: "col" }, column)));
  const rows = view.rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell))));
  const more = view.more ? h("div", { class: "lpf-quiet" }, `… and ${view.more} more rows`) : null;
  const headed = view.columns.length ? h("thead", {}, head) : null;
  return scrolling("div", "lpf-table", "Table", h("table", {}, headed, h("tbody", {}, ...rows)), more);
}
