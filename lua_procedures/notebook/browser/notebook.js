// The notebook around a form, where the front end lets it be reached (JupyterLab and Notebook do).
//
// An output that shows a widget is of no use without the kernel that the widget belongs to; when such a notebook is
// opened again, a front end says “model not found”, although the same output says in HTML what was asked. So a form
// whose kernel goes leaves its output as that HTML.

const VIEW = "application/vnd.jupyter.widget-view+json";
const GONE = ["restarting", "autorestarting", "terminating", "dead"];

class Place {
  constructor(model) {
    this.context = model.widget_manager?.context;
    this.notebook = this.context?.model;
    this.id = model.get("output");
  }

  /** Take the widget out of the notebook's outputs; they show `data`, or else what they say beside it. */
  leave(data) {
    for (const { outputs } of this.notebook?.cells ?? []) {
      for (let place = 0; place < (outputs?.length ?? 0); place += 1) {
        const output = outputs.get(place);
        if (output.data[VIEW]?.model_id !== this.id) continue;
        const { [VIEW]: _, ...rest } = output.data;
        output.setData({ data: data ?? rest });
      }
    }
  }

  /** The kernel is gone. The file is to say so too, unless the person has changes of their own to be saved. */
  give() {
    const unchanged = this.notebook && !this.notebook.dirty;
    this.leave();
    if (unchanged && this.notebook.dirty) void this.context.save?.();
  }

  /** Call when the kernel is gone for good; a connection that was lost may come back. Returns how to stop it. */
  onLost(lost) {
    const session = this.context?.sessionContext;
    if (!session) return () => {};
    const changed = (_, status) => GONE.includes(status) && lost();
    const replaced = (_, { oldValue }) => oldValue && lost();
    session.statusChanged.connect(changed);
    session.kernelChanged.connect(replaced);
    return () => {
      session.statusChanged.disconnect(changed);
      session.kernelChanged.disconnect(replaced);
    };
  }
}
