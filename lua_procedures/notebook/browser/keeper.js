// Beside a panel while it is drawn again and again: sections stay as a person left them, the panel does not shrink and
// grow, and a button asks the program to stop. The panel itself is plain HTML and needs none of this, but in a page that
// was loaded again during the run, which no drawing reaches.

const SETTLED = 5_000; // milliseconds after which a panel that became shorter may shrink
const UNSEEN = 2_000; // milliseconds without a drawing after which the page may be one that receives none
const LOOK = 1_000; // milliseconds between two looks whether the output still is in the page
const UNHEARD = 5_000; // milliseconds after which a press that nothing came of may be repeated
const AROUND = ".jp-OutputArea"; // all drawings of a cell are in it; other front ends have none
const CHANGES = { childList: true, subtree: true };

class Keeper {
  constructor(model) {
    this.model = model;
    this.mark = model.get("mark");
    this.sections = new Sections(() => this.measureAnew());
    this.stop = stopButton(() => model.send({ type: "stop" }));
    this.drawings = new WeakSet();
    this.count = 0;
    this.heights = [];
    this.observer = new MutationObserver(() => this.look());
    model.on("change:stoppable", () => this.showStop());
    this.clock = setInterval(() => this.around.isConnected || this.search(), LOOK);
    this.search();
  }

  /** The panel is over. Its record may be drawn a little later, and its sections stay as they were, too. */
  end() {
    this.over = true;
    clearInterval(this.clock);
    setTimeout(() => this.observer.disconnect(), 2_000);
  }

  /** A page that was loaded again during the run receives no drawings, but it does receive what changes in a widget. */
  follow() {
    if (!this.over && this.count === 1) this.model.send({ type: "follow" });
  }

  /** The front end may make an output anew, as that of a cell that is moved. */
  search() {
    this.observe(document.body);
    this.look();
  }

  /** Look no further than where the drawings come. */
  observe(around) {
    if (around === this.around) return;
    this.around = around;
    this.observer.disconnect();
    this.observer.observe(around, CHANGES);
  }

  look() {
    const panel = [...this.around.getElementsByClassName(this.mark)].find((each) => !each.closest(".lpf"));
    if (panel) this.observe(panel.closest(AROUND) ?? document.body);
    if (panel && !this.drawings.has(panel)) this.take(panel);
    if (!panel) this.lookForRecord();
  }

  take(panel) {
    this.drawings.add(panel);
    this.count += 1;
    this.panel = panel;
    this.output = panel.parentElement;
    if (this.count === 1) setTimeout(() => this.follow(), UNSEEN);
    this.sections.take(panel);
    this.measure();
    this.showStop();
  }

  /** What stands where the panel was. */
  lookForRecord() {
    const record = this.output?.isConnected ? this.output.firstElementChild : null;
    if (!record || this.drawings.has(record)) return;
    this.drawings.add(record);
    this.sections.take(record, this.mark);
  }

  /** As high as it lately was. */
  measure() {
    const now = performance.now();
    this.panel.style.minHeight = "";
    this.heights = this.heights.filter(({ when }) => now - when < SETTLED);
    this.heights.push({ when: now, height: this.panel.getBoundingClientRect().height });
    this.panel.style.minHeight = `${Math.max(...this.heights.map(({ height }) => height))}px`;
    this.panel.style.boxSizing = "border-box";
  }

  measureAnew() {
    this.heights = [];
    if (this.panel?.isConnected) this.measure();
  }

  /** The same button goes from one drawing to the next, with the focus where it had it. */
  showStop() {
    if (!this.model.get("stoppable")) this.stop.remove();
    else if (this.panel) this.panel.firstElementChild.append(this.stop);
    const lost = this.stop.dataset.focused && document.activeElement === document.body;
    if (lost) this.stop.focus({ preventScroll: true });
  }
}

/** Calls `asked` once for a press, however often the button is moved while it is pressed: then the browser makes no click of it. */
function stopButton(asked) {
  const stop = document.createElement("button");
  Object.assign(stop, { className: "lpf-stop", type: "button", textContent: "Request stop" });
  stop.title = "The program sees it where it next looks at Stop; the notebook's own stop button ends the run at once.";
  stop.dataset.lmSuppressShortcuts = "true"; // or Jupyter takes its keys
  const ask = () => {
    if (stop.disabled) return;
    stop.disabled = true;
    setTimeout(() => (stop.disabled = false), UNHEARD);
    asked();
  };
  stop.onclick = ask;
  stop.onpointerdown = (event) => onRelease(event, ask);
  stop.onkeydown = (event) => {
    event.stopPropagation();
    onRelease(event, ask);
  };
  stop.onfocus = () => (stop.dataset.focused = "true");
  const left = () => stop.isConnected && document.activeElement !== stop;
  stop.onblur = () => queueMicrotask(() => left() && delete stop.dataset.focused);
  return stop;
}

/** The outputs with the panel in the notebook, where the front end lets them be reached. */
class PanelPlace extends Place {
  constructor(model) {
    super(model);
    this.mark = model.get("mark");
  }

  /** In a page that received this otherwise there is nothing left to do. */
  show(data) {
    for (const output of this.all()) {
      const html = String(output.data["text/html"] ?? "");
      if (html.includes(this.mark) && html !== data["text/html"] && !output.data[VIEW]) output.setData({ data });
    }
  }
}

function initialize({ model }) {
  const place = new PanelPlace(model);
  const show = () => model.get("shown")["text/html"] && place.show(model.get("shown"));
  model.on("change:shown", show);
  if (model.get("over")) show();
  const keeper = model.get("over") ? null : new Keeper(model);
  model.on("change:over", () => keeper?.end());
  return () => keeper?.end();
}

export default { initialize };
