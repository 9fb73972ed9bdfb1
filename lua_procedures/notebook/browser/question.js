// One question as elements: message, context, artifact, fields, buttons, countdown.

const KINDS = {
  approve: "Approval",
  input: "Input",
  select: "Selection",
  review: "Review",
  multiple: "Form",
  escalate: "Escalation",
};
const SOON = 10; // seconds before the end from which the countdown stands out
let questions = 0;

class Question {
  /** @param view the request; @param held what was typed for it before; @param told `{answer(button), later(), edit()}`. */
  constructor(view, held, told) {
    this.view = view;
    this.told = told;
    this.prefix = `lpf-${Date.now().toString(36)}-${(questions += 1)}`;
    const messageId = `${this.prefix}-message`;
    this.fields = view.controls.map((control, place) => new Field(control, this.prefix, place, messageId, held.fields?.[control.id]));
    this.feedback = this.makeFeedback(held.feedback);
    this.artifact = view.artifact && new Artifact(view.artifact, this.prefix, held.artifact, () => this.onEdit("edited_artifact"));
    this.problem = h("div", { class: "lpf-problem", role: "alert" });
    this.all = h("fieldset", { class: "lpf-all" }, ...this.parts(messageId));
    this.element = h(
      "div",
      { "class": "lpf-form", "role": "form", "tabindex": "-1", "aria-label": `${KINDS[view.kind]}: ${view.message}` },
      this.all,
    );
    this.element.addEventListener("input", (event) => this.onInput(event));
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

  makeFeedback(held) {
    const label = { review: "Feedback", escalate: "Note" }[this.view.kind];
    if (!label) return null;
    const control = { id: "feedback", kind: "lines", label, hint: "", placeholder: "", required: null, options: [] };
    const field = new Field(control, this.prefix, "feedback", "", held ?? "");
    field.box.rows = 2;
    return field;
  }

  makeFooter() {
    const buttons = this.view.buttons.map(({ label, type }, place) => {
      const look = type === "cancel" ? "lpf-cancel" : place === this.primary ? "lpf-primary" : "";
      return button(`lpf-button ${look}`, label, () => this.told.answer(place));
    });
    const title = "Free the kernel; the question stays open";
    this.laterButton = button("lpf-button lpf-later", "Later", () => this.told.later(), { title });
    this.countdown = h("span", { class: "lpf-countdown", role: "timer", "aria-live": "off" });
    this.status = h("span", { class: "lpf-quiet", role: "status" });
    const choices = h("div", { class: "lpf-buttons" }, ...buttons);
    return h("div", { class: "lpf-footer" }, choices, this.countdown, this.status, this.laterButton);
  }

  /** Place of the button that Enter stands for: the first that cancels nothing. */
  get primary() {
    return this.view.buttons.findIndex(({ type }) => type !== "cancel");
  }

  onInput({ target }) {
    const field = this.fields.find(({ element }) => element.contains(target));
    this.onEdit(field?.id ?? (this.feedback?.element.contains(target) ? "feedback" : null));
  }

  onEdit(id) {
    if (id !== null) this.showProblem(id, "");
    this.told.edit();
  }

  held() {
    return {
      fields: Object.fromEntries(this.fields.map((field) => [field.id, field.read()])),
      feedback: this.feedback?.read() ?? "",
      artifact: this.artifact?.edited ?? null,
    };
  }

  showProblems(problems) {
    for (const id of ["", "feedback", "edited_artifact", ...this.fields.map((field) => field.id)]) this.showProblem(id, "");
    for (const [id, message] of problems) this.showProblem(id, message);
  }

  showProblem(id, message) {
    const field = this.fields.find((one) => one.id === id) ?? (id === "feedback" ? this.feedback : null);
    if (field) field.show(message);
    else if (id === "edited_artifact" && this.artifact) this.artifact.show(message);
    else this.problem.textContent = [this.problem.textContent, message].filter((text) => text && message).join(" ");
  }

  get firstWithProblem() {
    return this.fields.find((field) => field.problem.textContent);
  }

  /** Begin to show the time that is left, where there is an end. */
  startClock() {
    this.stopClock();
    this.showTime();
    if (this.view.expires_at && this.view.expiry) this.clock = setInterval(() => this.showTime(), 1000);
  }

  stopClock() {
    clearInterval(this.clock);
  }

  showTime() {
    const { expires_at: deadline, expiry } = this.view;
    if (!deadline || !expiry) return;
    const left = Math.max(0, Math.ceil(deadline - Date.now() / 1000));
    this.countdown.textContent = left ? `${expiry} in ${clockText(left)}` : `Time is up: ${expiry.toLowerCase()[0]}${expiry.slice(1)}`;
    this.countdown.classList.toggle("lpf-soon", left <= SOON);
  }
}

function clockText(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours >= 48) return `${Math.round(hours / 24)} days`;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

function contextList(rows) {
  if (rows.length === 1 && !rows[0][0]) return h("div", { class: "lpf-context" }, contextValue("Context", rows[0][1]));
  const parts = rows.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, contextValue(name, text))]);
  return h("dl", { class: "lpf-context" }, ...parts);
}

function contextValue(name, text) {
  return text.includes("\n") ? scrolling("pre", "lpf-pre", name, text) : text;
}
