// Trend plots. The figure is drawn from the table beside it; every word on it
// was written by the server.
import uPlot from "uplot";

interface Row { at: number; hours: string; days: string; years: string; when: string; values: (number | null)[]; texts: string[] }

const height = 190;
let drawn: uPlot[] = [];
let watching = false;

export function drawPlots(): void {
  for (const u of drawn) u.destroy();
  drawn = [];
  for (const figure of document.querySelectorAll<HTMLElement>("[data-plot]")) {
    const u = draw(figure);
    if (u) drawn.push(u);
  }
  if (!watching) {
    watching = true;
    document.addEventListener("wk-theme", drawPlots);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawPlots);
    addEventListener("resize", debounce(drawPlots, 150));
  }
}

function draw(figure: HTMLElement): uPlot | null {
  const box = figure.querySelector<HTMLElement>("[data-canvas]");
  const readout = figure.querySelector<HTMLElement>("[data-readout]");
  const every = read(figure);
  if (!box || !readout || every.length < 2) return null;
  const rows = within(figure, every);
  const tick = words(rows);
  box.replaceChildren();
  const names = [...figure.querySelectorAll("thead th")].slice(1).map((th) => th.textContent ?? "");
  const say = (i: number | null | undefined) => {
    const row = rows[i ?? rows.length - 1] ?? rows[rows.length - 1]!;
    const said = row.texts.map((t, k) => (names.length > 1 ? names[k] + " " : "") + t).join(", ");
    readout.textContent = `${row.when} – ${said}`;
  };
  say(null);
  const css = getComputedStyle(figure);
  const ink = css.getPropertyValue("--muted"), line = css.getPropertyValue("--line");
  const strokes = [css.getPropertyValue("--accent"), css.getPropertyValue("--second")];
  const low = number(figure.dataset.low), high = number(figure.dataset.high);
  const data: uPlot.AlignedData = [rows.map((r) => r.at), ...names.map((_, k) => rows.map((r) => r.values[k] ?? null))];
  const font = "13px " + css.fontFamily;
  return new uPlot({
    width: Math.max(box.clientWidth, 200),
    height,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 9 } },
    scales: { x: { range: (_, a, b) => pad(a, b) }, y: { range: (_, a, b) => around(a, b, low, high) } },
    series: [{}, ...names.map((label, k) => ({
      label, stroke: strokes[k % 2], width: 2, points: { show: true, size: 7, fill: strokes[k % 2] },
    }))],
    axes: [
      { stroke: ink, font, size: 34, grid: { stroke: line, width: 1 }, ticks: { stroke: line, size: 5 }, splits: (u) => places(u, rows, tick), values: (_, at) => at.map((t) => { const r = rows.find((row) => row.at === t); return r ? tick(r) : ""; }) },
      { stroke: ink, font, size: 56, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, values: (_, at) => at.map((v) => String(Number(v.toFixed(6)))) },
    ],
    hooks: {
      drawClear: [(u) => band(u, low, high, css.getPropertyValue("--band"))],
      setCursor: [(u) => say(u.cursor.idx)],
    },
  }, data, box);
}

// within keeps the rows of the chosen span, and wires its buttons.
function within(figure: HTMLElement, rows: Row[]): Row[] {
  figure.dataset.span ??= figure.hasAttribute("data-recent") ? "7" : "0";
  for (const button of figure.querySelectorAll<HTMLButtonElement>("button[data-span]")) {
    button.setAttribute("aria-pressed", String(button.dataset.span === figure.dataset.span));
    button.onclick = () => { figure.dataset.span = button.dataset.span; drawPlots(); };
  }
  const days = Number(figure.dataset.span), newest = rows[rows.length - 1]!.at;
  return days ? rows.filter((r) => newest - r.at <= days * 86_400) : rows;
}

// words chooses the words on the axis by the span that is shown.
function words(rows: Row[]): (r: Row) => string {
  const hours = (rows[rows.length - 1]!.at - rows[0]!.at) / 3600;
  if (hours <= 36) return (r) => r.hours;
  return hours > 300 * 24 ? (r) => r.years : (r) => r.days;
}

// read takes the rows of the table, oldest first.
function read(figure: HTMLElement): Row[] {
  const rows = [...figure.querySelectorAll<HTMLElement>("tr[data-at]")].map((tr) => {
    const cells = [...tr.querySelectorAll<HTMLElement>("td")];
    return {
      at: Number(tr.dataset.at), hours: tr.dataset.hours ?? "", days: tr.dataset.days ?? "", years: tr.dataset.years ?? "", when: tr.querySelector("th")?.textContent ?? "",
      values: cells.map((td) => number(td.dataset.value)),
      texts: cells.map((td) => [td.querySelector("b")?.textContent, figure.dataset.unit, td.querySelector(".flag")?.textContent?.trim()].filter(Boolean).join(" ")),
    };
  });
  return rows.sort((a, b) => a.at - b.at);
}

// places chooses the moments that are named on the axis: real ones, from the
// newest backwards, none so near that words would meet.
function places(u: uPlot, rows: Row[], tick: (r: Row) => string): number[] {
  const chosen: number[] = [];
  let free = Infinity, word = "";
  for (let i = rows.length - 1; i >= 0; i--) {
    const row = rows[i]!;
    const x = u.valToPos(row.at, "x");
    if (free - x < 76 || tick(row) === word) continue;
    chosen.unshift(row.at);
    free = x;
    word = tick(row);
  }
  return chosen;
}

function band(u: uPlot, low: number | null, high: number | null, fill: string): void {
  if (low === null && high === null) return;
  const { left, top, width, height: h } = u.bbox;
  const from = high === null ? top : Math.max(u.valToPos(high, "y", true), top);
  const to = low === null ? top + h : Math.min(u.valToPos(low, "y", true), top + h);
  if (to <= from) return;
  u.ctx.save();
  u.ctx.fillStyle = fill;
  u.ctx.fillRect(left, from, width, to - from);
  u.ctx.restore();
}

function pad(a: number, b: number): [number, number] {
  const space = (b - a || 86_400) * 0.05;
  return [a - space, b + space];
}

// around leaves the range in sight, so that a quiet line does not look like a
// storm.
function around(a: number, b: number, low: number | null, high: number | null): [number, number] {
  const from = low === null ? a : Math.min(a, low), to = high === null ? b : Math.max(b, high);
  const space = (to - from || Math.abs(to) || 1) * 0.12;
  return [from >= 0 ? Math.max(0, from - space) : from - space, to + space];
}

function number(s: string | undefined): number | null {
  return s === undefined || s === "" ? null : Number(s);
}

function debounce(f: () => void, ms: number): () => void {
  let timer = 0;
  return () => { clearTimeout(timer); timer = window.setTimeout(f, ms); };
}
