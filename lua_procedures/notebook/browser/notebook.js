// The notebook around a form, where the front end lets it be reached (JupyterLab and Notebook do).
//
// An output that shows a widget is of no use without the kernel that the widget belongs to; when such a notebook is
// opened again, a front end says “model not found”, although the same output says in HTML what was asked. So no file
// holds the widget of a form: while a form is open, its page shows it, and the file shows what it asks. A page that
// finds the form alive in the kernel puts it back, and a form whose kernel goes leaves its output as that HTML.

const VIEW = "application/vnd.jupyter.widget-view+json";
const LEFT = "lua_procedures"; // in the metadata of an output in a file: the form that was open there
const OPEN_FORMS = Symbol.for("lua_procedures.open"); // of a notebook, for all modules of a page: the forms open in it
const GONE = ["restarting", "autorestarting", "terminating", "dead"];

class Place {
  constructor(model) {
    this.manager = model.widget_manager;
    this.context = this.manager?.context;
    this.notebook = this.context?.model;
    this.id = model.get("output");
  }

  /** Show the form where a file left it out, and leave it out of what is saved from now on. */
  async enter() {
    const model = this.notebook && (await this.manager.get_model(this.id));
    if (!model?.comm_live) return; // restored from what a file holds, it is dead
    const { dirty } = this.notebook;
    for (const output of this.outputs()) {
      const { [LEFT]: mark, ...metadata } = output.metadata;
      const view = { version_major: 2, version_minor: 0, model_id: this.id };
      if (mark) output.setData({ data: { ...output.data, [VIEW]: view }, metadata });
    }
    this.notebook.dirty = dirty; // nothing that is saved has changed
    openForms(this.notebook).add(this.id);
  }

  /** Take the widget out of the notebook's outputs; they show `data`, or else what they say beside it. */
  leave(data) {
    for (const output of this.outputs()) {
      const { [VIEW]: _view, ...rest } = output.data;
      const { [LEFT]: _mark, ...metadata } = output.metadata;
      output.setData({ data: data ?? rest, metadata });
    }
    this.notebook?.[OPEN_FORMS]?.delete(this.id);
  }

  /** All outputs of the notebook. */
  all() {
    return [...(this.notebook?.cells ?? [])].flatMap(({ outputs }) =>
      Array.from({ length: outputs?.length ?? 0 }, (_, place) => outputs.get(place)),
    );
  }

  /** The outputs that show the form, or would if their file had not left it out. */
  outputs() {
    return this.all().filter(({ data, metadata }) => (data[VIEW]?.model_id ?? metadata[LEFT]?.form) === this.id);
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
    const open = () => !this.context.isDisposed; // a notebook that is closed lets go of its kernel, which lives on
    const changed = (_, status) => GONE.includes(status) && open() && lost();
    const replaced = (_, { oldValue }) => oldValue && open() && lost();
    session.statusChanged.connect(changed);
    session.kernelChanged.connect(replaced);
    return () => {
      session.statusChanged.disconnect(changed);
      session.kernelChanged.disconnect(replaced);
    };
  }
}

/** The ids of the forms open in a notebook; while there are some, what is saved of it leaves them out. */
function openForms(notebook) {
  if (!notebook[OPEN_FORMS]) {
    const open = (notebook[OPEN_FORMS] = new Set());
    const { toJSON } = notebook;
    notebook.toJSON = () => withoutForms(toJSON.call(notebook), open);
  }
  return notebook[OPEN_FORMS];
}

function withoutForms(content, open) {
  const left = (output) => {
    const { [VIEW]: view, ...data } = output.data ?? {};
    if (!open.has(view?.model_id)) return output;
    return { ...output, data, metadata: { ...output.metadata, [LEFT]: { form: view.model_id } } };
  };
  const cells = content.cells.map((cell) => (cell.outputs ? { ...cell, outputs: cell.outputs.map(left) } : cell));
  return { ...content, cells };
}
