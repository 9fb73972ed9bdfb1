// Beside a panel while it is drawn again and again: sections stay as a person left them, the panel does not shrink and
// grow, and a button asks the program to stop. The panel itself is plain HTML and needs none of this.

const SETTLED = 5_000; // milliseconds after which a panel that became shorter may shrink

class Keeper {
  constructor(model) {
    this.model = model;
    this.mark = model.get("mark");
    this.sections = new Sections(() => this.measureAnew());
    this.taken = new WeakSet();
    this.heights = [];
    this.observer = new MutationObserver(() => this.look());
    this.observer.observe(document.body, { childList: true, subtree: true });
    model.on("change:stoppable", () => this.showStop());
    model.on("change:over", () => this.end());
    this.look();
  }

  /** The panel is over. Its record may be drawn a little later, and its sections stay as they were, too. */
  end() {
    setTimeout(() => this.observer.disconnect(), 2_000);
  }

  look() {
    const panel = [...document.getElementsByClassName(this.mark)].find((each) => !each.closest(".lpf"));
    if (panel && !this.taken.has(panel)) this.take(panel);
    if (!panel) this.lookForRecord();
  }

  take(panel) {
    this.taken.add(panel);
    this.panel = panel;
    this.output = panel.parentElement;
    this.sections.take(panel);
    this.measure();
    this.showStop();
  }

  /** What stands where the panel was. */
  lookForRecord() {
    const record = this.output?.isConnected ? this.output.firstElementChild : null;
    if (!record || this.taken.has(record)) return;
    this.taken.add(record);
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

  showStop() {
    this.panel?.querySelector(".lpf-stop")?.remove();
    if (!this.panel || !this.model.get("stoppable")) return;
    const stop = document.createElement("button");
    Object.assign(stop, { className: "lpf-stop", type: "button", textContent: "Request stop" });
    stop.title = "The program sees it where it next looks at Stop; the notebook's own stop button ends the run at once.";
    stop.dataset.lmSuppressShortcuts = "true"; // or Jupyter takes its keys
    stop.onkeydown = (event) => event.stopPropagation();
    stop.onclick = () => {
      stop.disabled = true;
      this.model.send({ type: "stop" });
    };
    this.panel.firstElementChild.append(stop);
  }
}

function initialize({ model }) {
  const keeper = model.get("over") ? null : new Keeper(model);
  return () => keeper?.end();
}

export default { initialize };
