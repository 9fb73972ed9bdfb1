// Differences of two texts by line, with what changed within a line marked.

const DIFF_CONTEXT = 2;
const MOST_EDITS = 600; // beyond, what lies between the first and the last change is shown as replaced
const MOST_ROWS = 400;

/** The changed lines with a little around them as elements, and a sentence that counts them. */
function difference(before, after) {
  const lines = lineDiff(before.split("\n"), after.split("\n"));
  const [added, removed] = ["+", "-"].map((wanted) => lines.filter(({ sign }) => sign === wanted).length);
  const rows = shortened(lines);
  const elements = marked(rows.slice(0, MOST_ROWS)).map(diffRow);
  const left = rows.slice(MOST_ROWS).filter(({ sign }) => sign === "+" || sign === "-").length;
  if (left) elements.push(h("div", { class: "lpf-line lpf-quiet" }, `… and ${left} more changed lines`));
  return { elements, summary: `${added} ${added === 1 ? "line" : "lines"} added, ${removed} removed` };
}

function diffRow({ sign, text, from = 0, to = 0 }) {
  const tag = { "+": "ins", "-": "del" }[sign] ?? "span";
  const middle = from < to ? h("b", {}, text.slice(from, to)) : null;
  const parts = middle ? [text.slice(0, from), middle, text.slice(to)] : [text];
  return h(tag, { class: "lpf-line" }, h("span", { class: "lpf-sign" }, sign), ...parts);
}

/** Where as many lines went as came, mark in each pair what is not the same. */
function marked(rows) {
  let start = 0;
  while (start < rows.length) {
    const removed = run(rows, start, "-");
    const added = run(rows, start + removed, "+");
    if (removed && removed === added)
      for (let place = start; place < start + removed; place += 1) markPair(rows[place], rows[place + removed]);
    start += removed + added || 1;
  }
  return rows;
}

function run(rows, start, wanted) {
  let end = start;
  while (rows[end]?.sign === wanted) end += 1;
  return end - start;
}

function markPair(old, fresh) {
  const [start, end] = sameEnds(old.text, fresh.text);
  if (start + end < Math.min(old.text.length, fresh.text.length) / 4) return; // hardly anything is the same
  Object.assign(old, { from: start, to: old.text.length - end });
  Object.assign(fresh, { from: start, to: fresh.text.length - end });
}

/** How much two lists or texts share at their beginnings and, of what is left, at their ends. */
function sameEnds(before, after) {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < most - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return [start, end];
}

/** The lines near a change; `⋯` stands where others are left out. */
function shortened(lines) {
  const near = new Uint8Array(lines.length);
  lines.forEach(({ sign }, place) => {
    if (sign !== " ") near.fill(1, Math.max(0, place - DIFF_CONTEXT), place + DIFF_CONTEXT + 1);
  });
  const rows = [];
  lines.forEach((line, place) => {
    if (near[place]) rows.push(line);
    else if (place === 0 || near[place - 1]) rows.push({ sign: "⋯", text: "" });
  });
  return rows;
}

function lineDiff(before, after) {
  const [start, end] = sameEnds(before, after);
  const [old, fresh] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  const middle = shortestEdit(old, fresh) ?? [...signed("-", old), ...signed("+", fresh)];
  return [...signed(" ", before.slice(0, start)), ...middle, ...signed(" ", before.slice(before.length - end))];
}

function signed(sign, lines) {
  return lines.map((text) => ({ sign, text }));
}

/** The shortest way from one list of lines to the other, by Myers's greedy search; null where it is too long. */
function shortestEdit(before, after) {
  const most = Math.min(before.length + after.length, MOST_EDITS);
  const reached = new Int32Array(2 * most + 3); // diagonal → how far along `before` so many edits get
  const rounds = [];
  for (let edits = 0; edits <= most; edits += 1) {
    rounds.push(reached.slice());
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = furthest(reached, diagonal, edits, most);
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      reached[diagonal + most + 1] = x;
      if (x >= before.length && x - diagonal >= after.length) return wayBack(rounds, before, after, most);
    }
  }
  return null;
}

/** How far the last of `edits` gets on a diagonal: a removed line goes on by one, an added one does not. */
function furthest(reached, diagonal, edits, most) {
  const [below, above] = [reached[diagonal + most], reached[diagonal + most + 2]];
  return comesFromAbove(reached, diagonal, edits, most) ? above : below + 1;
}

function comesFromAbove(reached, diagonal, edits, most) {
  return diagonal === -edits || (diagonal !== edits && reached[diagonal + most] < reached[diagonal + most + 2]);
}

function wayBack(rounds, before, after, most) {
  const lines = [];
  let [x, y] = [before.length, after.length];
  for (let edits = rounds.length - 1; edits >= 0; edits -= 1) {
    const added = comesFromAbove(rounds[edits], x - y, edits, most);
    const start = edits ? furthest(rounds[edits], x - y, edits, most) : 0;
    while (x > start) {
      [x, y] = [x - 1, y - 1];
      lines.push({ sign: " ", text: before[x] });
    }
    if (edits && added) lines.push({ sign: "+", text: after[(y -= 1)] });
    else if (edits) lines.push({ sign: "-", text: before[(x -= 1)] });
  }
  return lines.reverse();
}
