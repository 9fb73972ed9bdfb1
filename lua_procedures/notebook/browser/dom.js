// Elements as all other files here make them. No value becomes markup: what is no element is a text node.
//
// Jupyter takes keys for itself unless each control says `data-lm-suppress-shortcuts` and the root stops `keydown`.

const SUPPRESS = { "data-lm-suppress-shortcuts": "true" };

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

function button(look, label, onclick, more = {}) {
  return h("button", { "class": look, "type": "button", onclick, ...more, ...SUPPRESS }, label);
}

/** Something that may scroll and holds no control: the keyboard must reach it, and a screen reader say what it is. */
function scrolling(tag, look, label, ...children) {
  const role = tag === "pre" || tag === "div" ? "group" : null;
  return h(tag, { "class": look, "tabindex": "0", role, "aria-label": label, ...SUPPRESS }, ...children);
}
