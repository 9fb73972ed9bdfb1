// A question in the browser: all controls live here and a button sends what they hold in one message.
// The same widget asks all questions of an output, one after the other, and shows the record at the end.
//
// Jupyter takes keys for itself unless each control says `data-lm-suppress-shortcuts` and the root stops `keydown`.

const SUPPRESS = { "data-lm-suppress-shortcuts": "true" };
const KINDS = {
  approve: "Approval",
  input: "Input",
  select: "Selection",
  review: "Review",
  multiple: "Form",
  escalate: "Escalation",
};
const NO_REPLY_AFTER = 15_000;
const VIEW = "application/vnd.jupyter.widget-view+json";
let forms = 0;

// After an answer the next question's form takes over the focus, and after the last one the cell.
let sent = null; // the request that was answered
let home = null; // the cell whose form had the focus

/** What was typed, kept for this browser tab, so that a reload of the page keeps it. */
class Draft {
  constructor(id) {
    this.key = `lua_procedures:${id}`;
  }

  load() {
    try {
      return JSON.parse(sessionStorage.getItem(this.key)) ?? {};
    } catch {
      return {}; // no storage here, or not ours: start empty
    }
  }

  save(value) {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(value));
    } catch (error) {
      console.debug("lua_procedures: the draft is not kept", error);
    }
  }

  clear() {
    try {
      sessionStorage.removeItem(this.key);
    } catch (error) {
      console.debug("lua_procedures: no storage", error);
    }
  }
}

/** One control with its label, hint and problem. */
class Field {
  constructor(control, prefix, place, messageId, value) {
    this.control = control;
    this.id = control.id;
    this.prefix = `${prefix}-${place}`;
    this.labelId = control.label ? `${this.prefix}-label` : messageId;
    this.problem = h("div", { class: "lpf-problem", id: `${this.prefix}-problem`, role: "alert" });
    this.element = control.options.length ? this.makeChoices() : this.makeBox();
    this.write(value ?? control.value);
  }

  get describedBy() {
    return `${this.prefix}-hint ${this.prefix}-problem`;
  }

  after() {
    return [h("div", { class: "lpf-hint", id: `${this.prefix}-hint` }, this.control.hint), this.problem];
  }

  makeBox() {
    const { kind, label, placeholder, required } = this.control;
    const tall = kind === "lines" || kind === "json";
    this.box = h(tall ? "textarea" : "input", {
      "id": this.prefix,
      "class": kind === "json" ? "lpf-box lpf-code" : "lpf-box",
      "type": tall ? null : kind === "date" ? "date" : "text",
      "rows": tall ? "4" : null,
      "inputmode": kind === "number" ? "decimal" : null,
      "spellcheck": kind === "json" || kind === "number" ? "false" : null,
      "autocomplete": tall ? null : "off",
      "placeholder": placeholder || null,
      "aria-labelledby": this.labelId,
      "aria-describedby": this.describedBy,
      "aria-required": required ? "true" : null,
      ...SUPPRESS,
    });
    const name = label ? h("label", { class: "lpf-label", for: this.prefix, id: this.labelId }, label) : null;
    return h("div", { class: "lpf-field" }, this.nameLine(name), this.box, ...this.after());
  }

  makeChoices() {
    const several = this.control.kind === "choices";
    this.choices = this.control.options.map((_, place) =>
      h("input", {
        type: several ? "checkbox" : "radio",
        name: this.prefix,
        value: String(place),
        "aria-describedby": this.describedBy,
        ...SUPPRESS,
      }),
    );
    const rows = this.choices.map((choice, place) =>
      h("label", { class: "lpf-choice" }, choice, h("span", {}, this.control.options[place])),
    );
    const name = this.control.label ? h("span", { class: "lpf-label", id: this.labelId }, this.control.label) : null;
    const short = this.control.options.length <= 3 && this.control.options.join("").length < 40;
    const list = h("div", { class: short ? "lpf-choices lpf-row" : "lpf-choices" }, ...rows);
    const role = several ? "group" : "radiogroup";
    this.group = h("div", { class: "lpf-field", role, "aria-labelledby": this.labelId }, this.nameLine(name), list, ...this.after());
    return this.group;
  }

  nameLine(name) {
    const optional = this.control.required === false ? h("span", { class: "lpf-hint" }, " optional") : null;
    return name && h("div", {}, name, optional);
  }

  read() {
    if (this.box) return this.box.value;
    const chosen = this.choices.filter((choice) => choice.checked).map((choice) => Number(choice.value));
    return this.control.kind === "choices" ? chosen : (chosen[0] ?? null);
  }

  write(value) {
    if (this.box) this.box.value = value ?? "";
    else this.choices.forEach((choice, place) => (choice.checked = [value].flat().includes(place)));
  }

  focus() {
    (this.box ?? this.choices.find((choice) => choice.checked) ?? this.choices[0]).focus();
  }

  show(problem) {
    this.problem.textContent = problem;
    for (const element of [this.box ?? this.group]) {
      if (problem) element.setAttribute("aria-invalid", "true");
      else element.removeAttribute("aria-invalid");
    }
  }
}

class QuestionForm {
  constructor(model, parent) {
    this.model = model;
    this.panel = h("div", { class: "lpf-panel" });
    this.body = h("div", { class: "lpf-body" });
    this.root = h("div", { class: "lpf", onkeydown: (event) => this.onKey(event), ...SUPPRESS }, this.panel, this.body);
    this.listeners = {
      "change:request": () => this.showQuestion(),
      "change:panel": () => this.showPanel(),
      "change:problems": () => this.showProblems(),
      "change:phase": () => this.showPhase(),
      "change:outcome": () => this.showPhase(),
      "comm_live_update": () => this.showLost(),
    };
    for (const [name, listener] of Object.entries(this.listeners)) model.on(name, listener);
    parent.append(this.root);
    this.showPanel();
    this.showQuestion();
  }

  remove() {
    clearInterval(this.clock);
    clearTimeout(this.patience);
    for (const [name, listener] of Object.entries(this.listeners)) this.model.off(name, listener);
    this.root.remove();
  }

  // Building ----------------------------------------------------------------------------------------------------------

  build() {
    const view = (this.view = this.model.get("request"));
    const prefix = (this.prefix = `lpf-${Date.now().toString(36)}-${(forms += 1)}`);
    this.draft = new Draft(view.id);
    const kept = this.draft.load();
    const messageId = `${prefix}-message`;
    this.fields = view.controls.map(
      (control, place) => new Field(control, prefix, place, messageId, kept.fields?.[control.id]),
    );
    this.feedback = this.makeFeedback(kept.feedback);
    this.artifact = view.artifact && new Artifact(view.artifact, prefix, kept.artifact, () => this.onEdit("edited_artifact"));
    this.problem = h("div", { class: "lpf-problem", role: "alert" });
    this.all = h("fieldset", { class: "lpf-all" }, ...this.parts(messageId));
    const name = `${KINDS[view.kind]}: ${view.message}`;
    this.form = h("div", { "class": "lpf-form", "role": "form", "tabindex": "-1", "aria-label": name }, this.all);
    this.form.addEventListener("input", (event) => this.onInput(event));
  }

  parts(messageId) {
    const { severity, message, context } = this.view;
    const badge = severity ? h("span", { class: `lpf-severity lpf-${severity}` }, severity) : null;
    return [
      h("div", { class: "lpf-message" }, badge, h("span", { id: messageId }, message)),
      context.length ? contextList(context) : null,
      this.artifact ? this.artifact.element : null,
      ...this.fields.map((field) => field.element),
      this.feedback ? this.feedback.element : null,
      this.problem,
      this.makeFooter(),
    ];
  }

  makeFeedback(kept) {
    const label = { review: "Feedback", escalate: "Note" }[this.view.kind];
    if (!label) return null;
    const control = { id: "feedback", kind: "lines", label, hint: "", placeholder: "", required: null, options: [] };
    const field = new Field(control, this.prefix, "feedback", "", kept ?? "");
    field.box.rows = 2;
    return field;
  }

  makeFooter() {
    const primary = this.primaryButton();
    const buttons = this.view.buttons.map(({ label, type }, place) => {
      const look = type === "cancel" ? "lpf-cancel" : place === primary ? "lpf-primary" : "";
      return h("button", { class: `lpf-button ${look}`, type: "button", onclick: () => this.submit(place), ...SUPPRESS }, label);
    });
    const later = { class: "lpf-button lpf-later", type: "button", onclick: () => this.later(), ...SUPPRESS };
    const title = "Free the kernel; the question stays open";
    this.laterButton = h("button", { ...later, title }, "Later");
    this.countdown = h("span", { class: "lpf-countdown", role: "timer", "aria-live": "off" });
    this.status = h("span", { class: "lpf-quiet", role: "status" });
    const choices = h("div", { class: "lpf-buttons" }, ...buttons);
    return h("div", { class: "lpf-footer" }, choices, this.countdown, this.status, h("span", { class: "lpf-space" }), this.laterButton);
  }

  /** Place of the button that Enter stands for: the first that cancels nothing. */
  primaryButton() {
    return this.view.buttons.findIndex(({ type }) => type !== "cancel");
  }

  // What the person does ----------------------------------------------------------------------------------------------

  onKey(event) {
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.key === "Escape" && this.artifact?.editing) this.artifact.stopEditing();
    if (event.key === "Enter" && this.submits(event)) {
      event.preventDefault();
      this.submit(this.primaryButton());
    }
  }

  submits({ target, ctrlKey, metaKey, shiftKey }) {
    if (target instanceof HTMLTextAreaElement) return ctrlKey || metaKey;
    return target instanceof HTMLInputElement && !shiftKey;
  }

  onInput({ target }) {
    const field = this.fields.find(({ element }) => element.contains(target));
    this.onEdit(field?.id ?? (this.feedback?.element.contains(target) ? "feedback" : null));
  }

  onEdit(id) {
    if (id !== null) this.showProblem(id, "");
    this.draft.save(this.held());
  }

  held() {
    return {
      fields: Object.fromEntries(this.fields.map((field) => [field.id, field.read()])),
      feedback: this.feedback?.read() ?? "",
      artifact: this.artifact?.edited ?? null,
    };
  }

  submit(button) {
    if (button < 0 || this.all.disabled) return;
    this.wait("Sending…");
    sent = this.view.id;
    home = this.root.closest(".jp-Cell");
    this.model.send({ type: "answer", request: this.view.id, value: { button, ...this.held() } });
  }

  later() {
    this.wait("Freeing the kernel…");
    this.model.send({ type: "later", request: this.view.id });
  }

  /** Nothing can be pressed until the kernel replies, or is silent for too long. */
  wait(text) {
    this.focused = this.root.contains(document.activeElement) ? document.activeElement : null;
    this.all.disabled = true;
    this.status.textContent = text;
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.free("No reply yet: the kernel may be busy. You can send again."), NO_REPLY_AFTER);
  }

  free(text = "") {
    clearTimeout(this.patience);
    this.all.disabled = false;
    this.status.textContent = text;
    this.refocus(this.focused);
  }

  /** A disabled form loses the focus; it comes back unless the person went elsewhere meanwhile. */
  refocus(target) {
    const elsewhere = document.activeElement !== document.body && !this.root.contains(document.activeElement);
    if (!elsewhere) target?.focus();
  }

  // What the kernel says ----------------------------------------------------------------------------------------------

  showQuestion() {
    clearTimeout(this.patience);
    this.build();
    this.showPhase();
    this.showProblems();
    const follows = sent !== null && sent !== this.view.id;
    if (!follows) return;
    sent = null;
    requestAnimationFrame(() => this.refocus(this.form)); // once it is in the page
  }

  /** New HTML, while sections that were opened or closed by hand stay so. */
  showPanel() {
    const opened = [...this.panel.querySelectorAll("details")].map((section) => section.open);
    this.panel.innerHTML = this.model.get("panel");
    this.panel.querySelectorAll("details").forEach((section, place) => {
      if (place < opened.length) section.open = opened[place];
    });
  }

  showProblems() {
    const problems = Object.entries(this.model.get("problems"));
    if (!problems.length) return;
    this.free();
    for (const id of ["", "feedback", "edited_artifact", ...this.fields.map((field) => field.id)]) this.showProblem(id, "");
    for (const [id, message] of problems) this.showProblem(id, message);
    this.refocus(this.fields.find((field) => field.problem.textContent));
  }

  showProblem(id, message) {
    const field = this.fields.find((one) => one.id === id) ?? (id === "feedback" ? this.feedback : null);
    if (field) field.show(message);
    else if (id === "edited_artifact" && this.artifact) this.artifact.problem.textContent = message;
    else this.problem.textContent = [this.problem.textContent, message].filter((text) => text && message).join(" ");
  }

  showPhase() {
    const phase = this.model.get("phase");
    const outcome = this.model.get("outcome");
    clearInterval(this.clock);
    if (phase === "open" || phase === "later") this.showLive(phase === "later", outcome);
    else this.showEnd(outcome || "This question is closed.");
    if (phase === "closed") keepRecord(this.model);
  }

  showLive(postponed, outcome) {
    this.free();
    this.laterButton.hidden = postponed;
    const note = h("div", { class: "lpf-note", role: "status" });
    note.innerHTML = outcome || "The kernel is free; the question stays open here.";
    this.body.replaceChildren(...(postponed ? [note, this.form] : [this.form]));
    this.showTime();
    if (this.view.expires_at && this.view.expiry) this.clock = setInterval(() => this.showTime(), 1000);
  }

  showEnd(outcome) {
    clearTimeout(this.patience);
    this.draft.clear();
    const end = h("div", { class: "lpf-outcome", role: "status" });
    end.innerHTML = outcome;
    this.body.replaceChildren(end);
  }

  /** The kernel that asked is gone, as after a restart. */
  showLost() {
    clearInterval(this.clock);
    clearTimeout(this.patience);
    this.all.disabled = true;
    this.countdown.textContent = "";
    this.status.textContent = "The kernel was restarted: run the cell again to answer.";
  }

  showTime() {
    const { expires_at: deadline, expiry } = this.view;
    if (!deadline || !expiry) return;
    const left = Math.max(0, Math.ceil(deadline - Date.now() / 1000));
    this.countdown.textContent = left ? `${expiry} in ${clockText(left)}` : `Time is up: ${expiry.toLowerCase()[0]}${expiry.slice(1)}`;
    this.countdown.classList.toggle("lpf-soon", left <= 10);
  }
}

/** In a page loaded again, which no output reaches any more, put the record into the notebook, to be saved with it. */
function keepRecord(model) {
  const { model_id: id, data } = model.get("record");
  const cells = model.widget_manager?.context?.model?.cells ?? [];
  for (const { outputs } of cells) {
    for (let place = 0; place < (outputs?.length ?? 0); place += 1) {
      const output = outputs.get(place);
      if (output.data[VIEW]?.model_id === id) output.setData({ data });
    }
  }
}

function clockText(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours >= 48) return `${Math.round(hours / 24)} days`;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

function contextList(rows) {
  if (rows.length === 1 && !rows[0][0]) return h("div", { class: "lpf-context" }, contextValue(rows[0][1]));
  const parts = rows.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, contextValue(text))]);
  return h("dl", { class: "lpf-context" }, ...parts);
}

function contextValue(text) {
  return text.includes("\n") ? h("pre", { class: "lpf-pre" }, text) : text;
}

function initialize({ model }) {
  model.on("change:phase", () => {
    if (model.get("phase") !== "closed") return;
    if (document.activeElement === document.body) home?.focus();
    sent = home = null;
  });
}

function render({ model, el }) {
  const form = new QuestionForm(model, el);
  return () => form.remove();
}

export default { initialize, render };
