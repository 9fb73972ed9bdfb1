// A question in the browser: all controls live here and a button sends what they hold in one message.
// The same widget asks all questions of an output, one after the other, and shows the record at the end.

const NO_REPLY_AFTER = 15_000;

// After an answer the next question's form takes over the focus, and after the last one the cell.
let sent = null; // the request that was answered
let home = null; // the cell whose form had the focus
const elsewhere = new Map(); // widget → how and when its last question was settled, where this page did not

class QuestionForm {
  constructor(model, parent) {
    this.model = model;
    this.panel = h("div", { class: "lpf-panel" });
    this.sections = new Sections();
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
    this.question.stopClock();
    clearTimeout(this.patience);
    for (const [name, listener] of Object.entries(this.listeners)) this.model.off(name, listener);
    this.root.remove();
  }

  // What the person does ----------------------------------------------------------------------------------------------

  onKey(event) {
    event.stopPropagation();
    if (event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") this.passOn(event);
    if (event.key === "Escape" && this.question.artifact?.editing) this.question.artifact.stopEditing();
    if (event.key === "Enter" && this.submits(event)) {
      event.preventDefault();
      this.submit(this.question.primary);
    }
  }

  /** The front end saves as if the key were pressed beside the form, in which it takes none. */
  passOn(event) {
    const taken = !this.root.parentElement.dispatchEvent(new KeyboardEvent("keydown", event));
    if (taken) event.preventDefault();
  }

  submits({ target, ctrlKey, metaKey, shiftKey }) {
    if (target instanceof HTMLTextAreaElement) return ctrlKey || metaKey;
    return target instanceof HTMLInputElement && !shiftKey;
  }

  submit(button) {
    if (button < 0 || this.question.all.disabled) return;
    const { id } = this.question.view;
    this.wait("Sending…");
    sent = id;
    home = this.root.closest(".jp-Cell");
    this.model.send({ type: "answer", request: id, value: { button, ...this.question.held() } });
  }

  later() {
    this.wait("Freeing the kernel…");
    this.model.send({ type: "later", request: this.question.view.id });
  }

  /** Nothing can be pressed until the kernel replies, or is silent for too long. */
  wait(text) {
    this.focused = this.root.contains(document.activeElement) ? document.activeElement : null;
    this.question.all.disabled = true;
    this.question.status.textContent = text;
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.free("No reply yet: the kernel may be busy. You can send again."), NO_REPLY_AFTER);
  }

  free(text = "") {
    clearTimeout(this.patience);
    this.question.all.disabled = false;
    this.question.status.textContent = text;
    this.refocus(this.focused);
  }

  /** A disabled form loses the focus; it comes back unless the person went elsewhere meanwhile. */
  refocus(target) {
    const left = document.activeElement !== document.body && !this.root.contains(document.activeElement);
    if (!left) target?.focus();
  }

  // What the kernel says ----------------------------------------------------------------------------------------------

  showQuestion() {
    clearTimeout(this.patience);
    this.question?.stopClock();
    const view = this.model.get("request");
    if (this.question && this.question.view.id !== view.id) this.draft.clear();
    this.draft = new Draft(view.id);
    this.question = new Question(view, this.draft.load(), {
      answer: (button) => this.submit(button),
      later: () => this.later(),
      edit: () => this.draft.save(this.question.held()),
    });
    this.showPhase();
    this.showProblems();
    const follows = sent !== null && sent !== view.id;
    if (!follows) return;
    sent = null;
    requestAnimationFrame(() => this.refocus(this.question.element)); // once it is in the page
  }

  /** New HTML, while sections that were opened or closed by hand stay so. */
  showPanel() {
    for (const section of this.panel.querySelectorAll("details")) this.sections.toggled(section); // not told of yet
    this.panel.innerHTML = this.model.get("panel");
    this.sections.take(this.panel);
  }

  showProblems() {
    const problems = Object.entries(this.model.get("problems"));
    if (!problems.length) return;
    this.free();
    this.question.showProblems(problems);
    this.refocus(this.question.firstWithProblem);
  }

  showPhase() {
    const phase = this.model.get("phase");
    const outcome = this.model.get("outcome");
    this.question.stopClock();
    if (phase === "open" || phase === "later") this.showLive(phase === "later", outcome);
    else this.showEnd(outcome || "This question is closed.");
  }

  showLive(postponed, outcome) {
    this.free();
    this.question.laterButton.hidden = postponed;
    const note = h("div", { class: "lpf-note", role: "status" });
    note.innerHTML = outcome || "The kernel is free; the question stays open here.";
    const before = elsewhere.get(this.model.get("output"));
    const notes = [...(before ? [outcomeNote(...before)] : []), ...(postponed ? [note] : [])];
    this.body.replaceChildren(...notes, this.question.element);
    this.question.startClock();
  }

  showEnd(outcome) {
    clearTimeout(this.patience);
    const at = this.model.get("phase") === "answered" ? this.model.get("settled_at") : 0;
    this.body.replaceChildren(outcomeNote(outcome, at));
  }

  /** Nothing that is pressed arrives any more. Where the kernel is gone for good, the output's text takes the form's place. */
  showLost() {
    this.question.stopClock();
    clearTimeout(this.patience);
    this.question.all.disabled = true;
    this.question.countdown.textContent = "";
    this.question.status.textContent = "The kernel is out of reach: load the page again, or run the cell again, to answer.";
  }
}

/** What became of a question, and when. */
function outcomeNote(outcome, at) {
  const note = h("div", { class: "lpf-outcome", role: "status" });
  note.innerHTML = outcome;
  if (at) note.append(h("span", { class: "lpf-quiet" }, ` · ${timeText(at)}`));
  return note;
}

/** A moment as the person's own clock shows it. */
function timeText(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** Its view may be gone before the next question comes. */
function noteElsewhere(model) {
  const id = model.get("output");
  if (model.get("request").id === sent) elsewhere.delete(id);
  else elsewhere.set(id, [model.get("outcome"), model.get("settled_at")]);
}

function initialize({ model }) {
  const place = new Place(model);
  const stop = place.onLost(() => place.give());
  const ended = () => place.leave(model.get("record"));
  const changed = () => {
    if (model.get("request").id === sent) new Draft(sent).clear(); // else the question may be asked again
    if (model.get("phase") === "answered") noteElsewhere(model);
    if (model.get("phase") !== "closed") return;
    if (document.activeElement === document.body) home?.focus();
    sent = home = null;
    ended();
  };
  model.on("change:phase", changed);
  if (model.get("phase") === "closed") ended();
  else void place.enter();
  return stop;
}

function render({ model, el }) {
  const form = new QuestionForm(model, el);
  return () => form.remove();
}

export default { initialize, render };
