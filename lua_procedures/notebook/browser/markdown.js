// Markdown: headings, lists, quotes, code, emphasis and links; anything else is text.

const LONGEST_INLINE = 5_000;
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
