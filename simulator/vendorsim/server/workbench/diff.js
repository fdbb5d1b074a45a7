/** The difference of two lists of lines (Myers, "An O(ND) Difference Algorithm and Its Variations", 1986). */

/** With more differences than this the middle is told as taken away and put in whole. */
const MOST = 1_500;

/** Steps `{kind: "same" | "gone" | "new", a, b, text}`; `a` and `b` are the line numbers from 1, where there is one. */
export function difference(before, after) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const room = Math.min(before.length, after.length) - start;
  while (end < room && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const kinds = [
    ...Array(start).fill("same"),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...Array(end).fill("same"),
  ];
  let [a, b] = [0, 0];
  return kinds.map((kind) => {
    if (kind !== "new") a += 1;
    if (kind !== "gone") b += 1;
    return { kind, a: kind === "new" ? null : a, b: kind === "gone" ? null : b, text: kind === "new" ? after[b - 1] : before[a - 1] };
  });
}

/** The kinds of the steps from one list to the other. */
function middle(before, after) {
  const [n, m] = [before.length, after.length];
  // How far each diagonal got, per number of differences.
  const traces = [];
  let far = new Map([[1, 0]]);
  for (let d = 0; d <= Math.min(n + m, MOST); d += 1) {
    traces.push(new Map(far));
    for (let k = -d; k <= d; k += 2) {
      let x = goesDown(far, k, d) ? far.get(k + 1) : far.get(k - 1) + 1;
      while (x < n && x - k < m && before[x] === after[x - k]) x += 1;
      far.set(k, x);
      if (x >= n && x - k >= m) return walked(traces, n, m);
    }
  }
  return [...Array(n).fill("gone"), ...Array(m).fill("new")];
}

function goesDown(far, k, d) {
  return k === -d || (k !== d && far.get(k - 1) < far.get(k + 1));
}

/** The way back through the traces, turned around. */
function walked(traces, n, m) {
  const kinds = [];
  let [x, y] = [n, m];
  for (let d = traces.length - 1; d >= 0; d -= 1) {
    const far = traces[d];
    const k = x - y;
    const down = goesDown(far, k, d);
    const fromK = down ? k + 1 : k - 1;
    const fromX = far.get(fromK);
    // After its one difference a trace runs along equal lines.
    const begins = d === 0 ? 0 : down ? fromX : fromX + 1;
    for (; x > begins; x -= 1) kinds.push("same");
    if (d > 0) kinds.push(down ? "new" : "gone");
    [x, y] = [fromX, fromX - fromK];
  }
  return kinds.reverse();
}
