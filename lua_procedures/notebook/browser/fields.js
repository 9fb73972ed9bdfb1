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
    const { kind, label, options, required } = this.control;
    const several = kind === "choices";
    this.choices = options.map((_, place) => this.makeChoice(several ? "checkbox" : "radio", place));
    const rows = this.choices.map((choice, place) => h("label", { class: "lpf-choice" }, choice, h("span", {}, options[place])));
    const name = label ? h("span", { class: "lpf-label", id: this.labelId }, label) : null;
    const short = options.length <= 3 && options.join("").length < 40;
    const list = h("div", { class: short ? "lpf-choices lpf-row" : "lpf-choices" }, ...rows);
    this.group = h(
      "div",
      {
        "class": "lpf-field",
        "role": several ? "group" : "radiogroup",
        "aria-labelledby": this.labelId,
        "aria-describedby": this.describedBy,
        "aria-required": required && !several ? "true" : null,
      },
      this.nameLine(name),
      list,
      ...this.after(),
    );
    return this.group;
  }

  makeChoice(type, place) {
    return h("input", { type, "name": this.prefix, "value": String(place), "aria-describedby": this.describedBy, ...SUPPRESS });
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
    const several = this.control.kind === "choices"; // what may say that it is invalid: boxes, and groups of radio buttons
    for (const element of this.box ? [this.box] : several ? this.choices : [this.group]) {
      if (problem) element.setAttribute("aria-invalid", "true");
      else element.removeAttribute("aria-invalid");
    }
  }
}
