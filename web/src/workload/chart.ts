/** Bars piled up: what the logged-in time went into, or what became of the calls; by interval, or by row. */

import { html, type TemplateResult } from "lit";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { language } from "../shared/i18n";
import { agentWords, hms, intervalWords, STATES } from "./figures";
import type { Report } from "./report";
import type { Row } from "./types";
import { t, type WorkloadKey } from "./words";

const HEIGHT = 220;
const LABELS_HEIGHT = 36;
const WIDEST_BAR = 48;
const HOUR = 3600;
const DAY = 24 * HOUR;
const KINDS = ["durations", "calls"] as const;
type Kind = (typeof KINDS)[number];

interface Layer {
  name: string;
  words: WorkloadKey;
  of: (row: Row) => number;
}

const LAYERS: Record<Kind, readonly Layer[]> = {
  durations: ["talk", "hold", "wrap_up", "ringing", "available", "paused", "unobserved"].map((name) => {
    const state = name as (typeof STATES)[number];
    return { name, words: `column.${state}`, of: (row) => row[`${state}_seconds`] };
  }),
  calls: (["answered", "missed", "withdrawn"] as const).map((name) => ({ name, words: `column.${name}`, of: (row) => row[name] })),
};

let kind: Kind = "durations";
let plot: uPlot | null = null;
let drawn = "";

export function chartCard(report: Report, redraw: () => void): TemplateResult {
  queueMicrotask(() => draw(report));
  const choose = (chosen: Kind): void => {
    kind = chosen;
    redraw();
  };
  return html`
    <section class="card" aria-labelledby="chart-title" ?hidden=${report.total === null}>
      <div class="row between">
        <h2 id="chart-title">${t(`chart.${kind}`)}</h2>
        <div class="tabs" role="group" aria-label=${t("chart.kinds")}>
          ${KINDS.map((one) => html`<button type="button" class="quiet" data-test="chart-${one}" aria-pressed=${kind === one} @click=${() => choose(one)}>${t(`columns.${one}`)}</button>`)}
        </div>
      </div>
      <div id="chart" class="chart" role="img" aria-label=${t("chart.see_table")}></div>
    </section>
  `;
}

/** Not lit's: the plot keeps its own canvas, made anew when data, width or language changed. */
function draw(report: Report): void {
  const root = document.getElementById("chart");
  if (root === null || report.rows === null || root.clientWidth === 0) return;
  const now = `${kind} ${report.version} ${root.clientWidth} ${language()}`;
  if (now === drawn) return;
  drawn = now;
  plot?.destroy();
  const { course } = report;
  plot = course === null ? byRow(report, report.rows, root) : byInterval(report, course, root);
}

function byInterval(report: Report, rows: Row[], root: HTMLElement): uPlot {
  const starts = rows.map((row) => Date.parse(row.start) / 1000);
  // the longest interval is the width of a bar: the first and the last may be cut
  const step = Math.max(...rows.map((row) => (Date.parse(row.end) - Date.parse(row.start)) / 1000));
  return new uPlot(
    {
      ...common(root),
      tzDate: (stamp) => uPlot.tzDate(new Date(stamp * 1000), report.zone),
      scales: { x: { range: (_plot, low, high) => [low - step / 2, high + step / 2] }, y: fromZero() },
      axes: [{ ...axis(), size: LABELS_HEIGHT, values: timeTicks(report.zone), incrs: timeSteps(step) }, amounts()],
      series: [{ label: t("column.interval"), value: (_plot, _stamp, _series, index) => told(rows, index, (row) => intervalWords(row, report.question.interval)) }, ...series(rows)],
    },
    [starts, ...piles(rows)],
    root,
  );
}

function byRow(report: Report, rows: Row[], root: HTMLElement): uPlot {
  const { group } = report.question;
  const words = (row: Row): string =>
    [group.includes("agent") ? agentWords(row) : "", group.includes("queue") ? report.queueWords(row.queue_name) : ""].filter((word) => word !== "").join(" · ");
  const short = (row: Row): string => (group.includes("agent") ? (row.agent_number ?? "") : words(row));
  return new uPlot(
    {
      ...common(root),
      scales: { x: { time: false, range: (_plot, low, high) => [low - 0.5, high + 0.5] }, y: fromZero() },
      axes: [
        { ...axis(), size: LABELS_HEIGHT, grid: { show: false }, incrs: [1, 2, 5, 10, 20, 50, 100], space: 60, values: (_plot, ticks) => ticks.map((tick) => told(rows, tick, short, "")) },
        amounts(),
      ],
      series: [{ label: t(group === "queue" ? "column.queue" : "column.agent"), value: (_plot, _at, _series, index) => told(rows, index, words) }, ...series(rows)],
    },
    [rows.map((_row, index) => index), ...piles(rows)],
    root,
  );
}

function common(root: HTMLElement): Pick<uPlot.Options, "width" | "height" | "cursor" | "padding"> {
  return { width: root.clientWidth, height: HEIGHT, cursor: { points: { show: false }, y: false, drag: { x: false, y: false } }, padding: [12, 12, 0, 0] };
}

/** The highest pile first: the lower ones are drawn over it. */
function piles(rows: Row[]): number[][] {
  return LAYERS[kind].map((_layer, index) => rows.map((row) => LAYERS[kind].slice(0, index + 1).reduce((sum, layer) => sum + layer.of(row), 0))).reverse();
}

function series(rows: Row[]): uPlot.Series[] {
  const style = getComputedStyle(document.documentElement);
  const say = (value: number): string => (kind === "durations" ? hms(value) : String(value));
  return [...LAYERS[kind]].reverse().map((layer) => {
    const colour = style.getPropertyValue(`--pile-${layer.name.replace("_", "-")}`).trim();
    return {
      label: t(layer.words),
      fill: colour,
      stroke: colour,
      width: 0,
      points: { show: false },
      paths: uPlot.paths.bars?.({ size: [0.8, WIDEST_BAR] }) as uPlot.Series.PathBuilder,
      value: (_plot, _pile, _series, index) => told(rows, index, (row) => say(layer.of(row))),
    };
  });
}

function told(rows: Row[], index: number | null, say: (row: Row) => string, otherwise = "–"): string {
  const row = index === null ? undefined : rows[index];
  return row === undefined ? otherwise : say(row);
}

function fromZero(): uPlot.Scale {
  const least = kind === "durations" ? 60 : 4;
  return { range: (_plot, _low, high) => [0, Math.max(least, 1.08 * (high ?? 0))] };
}

function axis(): uPlot.Axis {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  return { stroke: colour("--soft-ink"), font: `12px ${colour("--font")}`, grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
}

function amounts(): uPlot.Axis {
  if (kind === "calls") return { ...axis(), size: 56, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] };
  const steps = [60, 300, 600, 900, 1800, ...[1, 2, 4, 8, 12, 24, 48, 96, 168, 336, 720, 1440, 2880, 5760].map((hours) => hours * HOUR)];
  return { ...axis(), size: 56, incrs: steps, values: (_plot, ticks) => ticks.map((seconds) => hms(seconds).slice(0, -3)) };
}

/** Months and years as the plot reckons them: it then ticks at their beginnings. */
function timeSteps(step: number): number[] {
  const steps = [HOUR / 4, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY, 365 * DAY];
  return steps.filter((one) => one >= Math.min(step, DAY));
}

/** Hours and minutes by the hospital's clock; the day where it is a new one. */
function timeTicks(zone: string): uPlot.Axis.DynamicValues {
  const two = (value: number): string => String(value).padStart(2, "0");
  return (_plot, ticks) => {
    let before = "";
    return ticks.map((stamp) => {
      const at = uPlot.tzDate(new Date(stamp * 1000), zone);
      const day = `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
      const clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
      const words = clock === "00:00" ? day : day === before ? clock : `${day} ${clock}`;
      before = day;
      return words;
    });
  };
}
