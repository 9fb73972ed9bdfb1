// The artifact of a review: shown by its type, edited as text, with the edit's differences by line.
// Everything is built as text nodes; no value becomes markup.

const DIFF_CONTEXT = 2;
const DIFF_CELLS = 1_000_000;
const LONGEST_INLINE = 5_000;

/** Make an element: `on…` attributes are listeners, false and null ones are left out, strings become text. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

class Artifact {
  /** @param view `{kind, text, editable, columns?, rows?}`; @param onEdit called after each change. */
  constructor(view, prefix, edited, onEdit) {
    this.view = view;
    this.text = edited ?? view.text;
    this.onEdit = onEdit;
    this.problemId = `${prefix}-artifact-problem`;
    this.content = h("div", { class: "lpf-artifact-content" });
    this.problem = h("div", { class: "lpf-problem", id: this.problemId, role: "alert" });
    this.diff = h("div", { class: "lpf-diff", role: "group", "aria-label": "Changes to the artifact" });
    this.box = this.makeBox();
    this.editButton = smallButton("Edit", () => (this.editing ? this.stopEditing() : this.startEditing()));
    this.revertButton = smallButton("Revert", () => this.revert());
    this.element = this.makeElement(`${prefix}-artifact-title`);
    this.showContent();
  }

  makeElement(titleId) {
    const tools = this.view.editable ? [this.editButton, this.revertButton] : [];
    const kind = this.view.kind === "text" ? "" : this.view.kind;
    const head = h(
      "div",
      { class: "lpf-artifact-head" },
      h("span", { class: "lpf-label", id: titleId }, "Artifact"),
      h("span", { class: "lpf-quiet" }, kind),
      h("span", { class: "lpf-space" }),
      ...tools,
    );
    const parts = [head, this.content, this.box, this.diff, this.problem];
    return h("section", { class: "lpf-artifact", "aria-labelledby": titleId }, ...parts);
  }

  makeBox() {
    const box = h("textarea", {
      "class": "lpf-box lpf-code",
      "aria-label": "Edit the artifact",
      "aria-describedby": this.problemId,
      "spellcheck": this.view.kind === "code" || this.view.kind === "json" ? "false" : null,
      "data-lm-suppress-shortcuts": "true",
      "oninput": () => this.change(box.value),
    });
    return box;
  }

  /** The edited text, null where nothing was edited. */
  get edited() {
    return this.text === this.view.text ? null : this.text;
  }

  change(text) {
    this.text = text;
    this.showDiff();
    this.onEdit();
  }

  startEditing() {
    this.editing = true;
    this.box.value = this.text;
    this.box.rows = Math.min(20, Math.max(4, this.text.split("\n").length + 1));
    this.showContent();
    this.box.focus();
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

  showContent() {
    this.editButton.textContent = this.editing ? "Done" : "Edit";
    this.box.hidden = !this.editing;
    this.content.hidden = Boolean(this.editing);
    this.content.replaceChildren(rendered({ ...this.view, text: this.text }));
    this.showDiff();
  }

  showDiff() {
    const edited = this.edited !== null;
    this.revertButton.hidden = !edited;
    this.diff.hidden = !edited;
    const rows = edited ? changedLines(this.view.text.split("\n"), this.text.split("\n")) : [];
    this.diff.replaceChildren(...rows.map(diffRow));
  }
}

function smallButton(label, onclick) {
  const attributes = { "class": "lpf-small", "type": "button", "data-lm-suppress-shortcuts": "true", onclick };
  return h("button", attributes, label);
}

function rendered(view) {
  if (view.kind === "markdown") return renderedMarkdown(view.text);
  if (view.kind === "image") return image(view.text);
  if (view.kind === "html") return htmlFrame(view.text);
  if (view.rows) return table(view);
  return plainText(view.text);
}

function plainText(text) {
  return h("pre", { "class": "lpf-pre", "tabindex": "0", "data-lm-suppress-shortcuts": "true" }, text);
}

/** Markdown nested too deeply for the browser is shown as text. */
function renderedMarkdown(text) {
  try {
    return h("div", { class: "lpf-markdown" }, ...markdown(text));
  } catch (error) {
    if (error instanceof RangeError) return plainText(text);
    throw error;
  }
}

function image(url) {
  if (!url) return h("span", { class: "lpf-quiet" }, "This image cannot be shown: it is neither image data nor a link.");
  return h("img", { src: url, alt: "Artifact", referrerpolicy: "no-referrer" });
}

/** A frame without any permission: no scripts, no forms, no way to the page around it. */
function htmlFrame(text) {
  return h("iframe", { sandbox: "", srcdoc: text, title: "Artifact", referrerpolicy: "no-referrer" });
}

function table(view) {
  const head = h("tr", {}, ...view.columns.map((column) => h("th", { scope: "col" }, column)));
  const rows = view.rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell))));
  const more = view.more ? h("div", { class: "lpf-quiet" }, `… and ${view.more} more rows`) : null;
  const headed = view.columns.length ? h("thead", {}, head) : null;
  return h("div", { class: "lpf-table" }, h("table", {}, headed, h("tbody", {}, ...rows)), more);
}

// Differences ---------------------------------------------------------------------------------------------------------

function diffRow({ sign, text }) {
  const tag = { "+": "ins", "-": "del" }[sign] ?? "span";
  return h(tag, { class: "lpf-line" }, h("span", { class: "lpf-sign" }, sign), text);
}

/** The changed lines with a little around them; `⋯` where lines are left out. */
function changedLines(before, after) {
  const lines = lineDiff(before, after);
  const near = lines.map((_, place) =>
    lines.slice(Math.max(0, place - DIFF_CONTEXT), place + DIFF_CONTEXT + 1).some(({ sign }) => sign !== " "),
  );
  const rows = [];
  lines.forEach((line, place) => {
    if (near[place]) rows.push(line);
    else if (place === 0 || near[place - 1]) rows.push({ sign: "⋯", text: "" });
  });
  return rows;
}

function lineDiff(before, after) {
  let start = 0;
  while (start < Math.min(before.length, after.length) && before[start] === after[start]) start += 1;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const same = (lines) => lines.map((text) => ({ sign: " ", text }));
  const middle = middleDiff(before.slice(start, before.length - end), after.slice(start, after.length - end));
  return [...same(before.slice(0, start)), ...middle, ...same(before.slice(before.length - end))];
}

/** Longest common subsequence; past a size, all old lines and then all new ones. */
function middleDiff(before, after) {
  const removed = (text) => ({ sign: "-", text });
  const added = (text) => ({ sign: "+", text });
  if (before.length * after.length > DIFF_CELLS) return [...before.map(removed), ...after.map(added)];
  const common = commonLengths(before, after);
  const lines = [];
  let [i, j] = [0, 0];
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) {
      lines.push({ sign: " ", text: before[i] });
      [i, j] = [i + 1, j + 1];
    } else if (common[i + 1][j] >= common[i][j + 1]) lines.push(removed(before[i++]));
    else lines.push(added(after[j++]));
  }
  return [...lines, ...before.slice(i).map(removed), ...after.slice(j).map(added)];
}

function commonLengths(before, after) {
  const lengths = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i -= 1)
    for (let j = after.length - 1; j >= 0; j -= 1)
      lengths[i][j] =
        before[i] === after[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
  return lengths;
}

// Markdown: headings, lists, quotes, code, emphasis and links; anything else is text ------------------------------------

const LIST_ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const BLOCK_START = /^(#{1,6}\s|\s*```|>\s?|\s*([-*+]|\d{1,9}[.)])\s|\s*([-*_]\s*){3,}$)/;
const INLINE = /`([^`]+)`|\*\*(.+?)\*\*|\*(\S.*?)\*|(?<!\w)_(\S.*?)_(?!\w)|\[([^\]]+)\]\(([^)\s]+)\)/;

function markdown(text) {
  const lines = text.split("\n");
  const blocks = [];
  while (lines.length) {
    const line = lines[0];
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (!line.trim()) lines.shift();
    else if (line.trimStart().startsWith("```")) blocks.push(fence(lines));
    else if (heading) blocks.push(h(`h${heading[1].length}`, {}, ...inline(lines.shift() && heading[2])));
    else if (/^\s*([-*_]\s*){3,}$/.test(line)) blocks.push(lines.shift() && h("hr"));
    else if (line.startsWith(">")) blocks.push(quote(lines));
    else if (LIST_ITEM.test(line)) blocks.push(list(lines));
    else blocks.push(paragraph(lines));
  }
  return blocks;
}

/** Take lines from the front as long as they fit. */
function takeWhile(lines, fits) {
  const end = lines.findIndex((line) => !fits(line));
  return lines.splice(0, end < 0 ? lines.length : end);
}

function fence(lines) {
  lines.shift();
  const code = takeWhile(lines, (line) => !line.trimStart().startsWith("```"));
  lines.shift();
  return h("pre", { class: "lpf-pre" }, code.join("\n"));
}

function quote(lines) {
  const inner = takeWhile(lines, (line) => line.startsWith(">")).map((line) => line.replace(/^>\s?/, ""));
  return h("blockquote", {}, ...markdown(inner.join("\n")));
}

function paragraph(lines) {
  const first = lines.shift();
  const rest = takeWhile(lines, (line) => line.trim() && !BLOCK_START.test(line));
  return h("p", {}, ...inline([first, ...rest].join("\n")));
}

function list(lines) {
  const [, indent, mark] = LIST_ITEM.exec(lines[0]);
  const element = h(/\d/.test(mark) ? "ol" : "ul");
  while (lines.length) {
    const item = LIST_ITEM.exec(lines[0]);
    if (!item || item[1].length < indent.length) break;
    if (item[1].length > indent.length) (element.lastChild ?? element).append(list(lines));
    else element.append(h("li", {}, ...inline(lines.shift() && item[3])));
  }
  return element;
}

function inline(text) {
  if (text.length > LONGEST_INLINE) return [text];
  const parts = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    const [whole, code, strong, star, underscore, label, url] = found;
    parts.push(rest.slice(0, found.index));
    parts.push(inlineElement({ code, strong, emphasis: star ?? underscore, label, url, whole }));
    rest = rest.slice(found.index + whole.length);
  }
  return [...parts, rest];
}

function inlineElement({ code, strong, emphasis, label, url, whole }) {
  if (code !== undefined) return h("code", {}, code);
  if (strong !== undefined) return h("strong", {}, ...inline(strong));
  if (emphasis !== undefined) return h("em", {}, ...inline(emphasis));
  if (!/^https?:\/\//i.test(url)) return whole;
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...inline(label));
}
