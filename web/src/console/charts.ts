/** Today in pictures: calls per quarter of an hour beside the same weekday a week before, and how long callers waited. */

import { html, nothing, type TemplateResult } from "lit";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { get } from "../shared/api";
import { label } from "../shared/i18n";
import { element } from "../shared/view";
import type { Board } from "./board";
import { t } from "./words";

interface Visits {
  offered: number;
  answered: number;
  abandoned: number;
}
interface CallsChart {
  day: string;
  time_zone: string;
  quarters: { at: string; today: Visits; week_before: Visits }[];
}
interface WaitsChart {
  classes: { from_seconds: number; to_seconds: number | null; answered: number; abandoned: number }[];
}

const AGAIN_MILLISECONDS = 30_000;
const HEIGHT = 260;
let queue = "";
let loadedAt = Number.NEGATIVE_INFINITY;
let calls: CallsChart | null = null;
let waits: WaitsChart | null = null;
let plot: uPlot | null = null;
let drawn = "";

export function chartsView(board: Board): TemplateResult {
  if (Date.now() - loadedAt > AGAIN_MILLISECONDS) void load(board);
  queueMicrotask(() => draw());
  const choose = (event: Event): void => {
    queue = (event.target as HTMLSelectElement).value;
    void load(board);
  };
  return html`
    <section class="card wide" aria-labelledby="calls-chart-title" data-test="calls-chart">
      <div class="row between">
        <h2 id="calls-chart-title">${t("chart.calls")}</h2>
        <div class="row">
          <label for="chart-queue" class="unseen">${t("queue")}</label>
          <select id="chart-queue" class="inline" @change=${choose}>
            <option value="">${t("all_queues")}</option>
            ${board.rows("queues").map((one) => html`<option value=${one.name} ?selected=${one.name === queue}>${label(one)}</option>`)}
          </select>
        </div>
      </div>
      <div id="calls-chart" class="chart"></div>
      ${totals()}
    </section>
    <section class="card wide" aria-labelledby="waits-chart-title" data-test="waits-chart">
      <h2 id="waits-chart-title">${t("chart.waits")}</h2>
      ${waits === null ? html`<p class="soft">${t("loading")}</p>` : bars(waits)}
    </section>
  `;
}

async function load(board: Board): Promise<void> {
  loadedAt = Date.now();
  const of = queue === "" ? "" : `?queue=${queue}`;
  await board.act("charts", async () => {
    [calls, waits] = await Promise.all([get<CallsChart>(`/supervision/charts/calls${of}`), get<WaitsChart>(`/supervision/charts/waits${of}`)]);
  });
}

function totals(): TemplateResult | typeof nothing {
  if (calls === null) return nothing;
  const sum = (of: "today" | "week_before", what: keyof Visits): number => calls?.quarters.reduce((all, one) => all + one[of][what], 0) ?? 0;
  const row = (of: "today" | "week_before"): TemplateResult => html`
    <tr><th>${t(`chart.${of}`)}</th><td class="number">${sum(of, "offered")}</td><td class="number">${sum(of, "answered")}</td><td class="number">${sum(of, "abandoned")}</td></tr>
  `;
  return html`
    <table class="narrow">
      <thead><tr><th></th><th class="number">${t("offered")}</th><th class="number">${t("answered")}</th><th class="number">${t("abandoned")}</th></tr></thead>
      <tbody>${row("today")} ${row("week_before")}</tbody>
    </table>
  `;
}

/** Not lit's: the plot keeps its own canvas, made anew when data, width or language changed. */
function draw(): void {
  const root = document.getElementById("calls-chart");
  if (root === null || calls === null) {
    drawn = "";
    return;
  }
  const now = `${calls.day} ${queue} ${loadedAt} ${root.clientWidth} ${document.documentElement.lang}`;
  if (now === drawn && root.firstChild !== null) return;
  drawn = now;
  plot?.destroy();
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const zone = calls.time_zone;
  const line = (words: string, stroke: string, dash?: number[]): uPlot.Series => ({ label: words, stroke, width: 2, points: { show: false }, ...(dash ? { dash } : {}) });
  const axis: uPlot.Axis = { stroke: colour("--soft-ink"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  const at = (time: Date): number => time.getTime() / 1000;
  const { quarters } = calls;
  const past = (value: number, index: number): number | null => (Date.parse(quarters[index]?.at ?? "") > Date.now() ? null : value);
  plot = new uPlot(
    {
      width: root.clientWidth,
      height: HEIGHT,
      tzDate: (stamp) => uPlot.tzDate(new Date(stamp * 1000), zone),
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(4, 1.1 * high)] } },
      axes: [{ ...axis, values: "{HH}:{mm}" as unknown as uPlot.Axis.Values }, { ...axis, size: 44 }],
      series: [
        { label: t("chart.time"), value: "{HH}:{mm}" },
        line(t("offered"), colour("--accent")),
        line(t("answered"), colour("--good")),
        line(t("abandoned"), colour("--bad")),
        line(t("chart.offered_before"), colour("--soft-ink"), [6, 4]),
      ],
    },
    [
      quarters.map((one) => at(new Date(one.at))),
      quarters.map((one, index) => past(one.today.offered, index)),
      quarters.map((one, index) => past(one.today.answered, index)),
      quarters.map((one, index) => past(one.today.abandoned, index)),
      quarters.map((one) => one.week_before.offered),
    ],
    element("calls-chart"),
  );
}

function bars(chart: WaitsChart): TemplateResult {
  const most = Math.max(1, ...chart.classes.map((one) => one.answered + one.abandoned));
  return html`
    <table class="bars">
      <thead><tr><th>${t("chart.waited")}</th><th class="number">${t("answered")}</th><th class="number">${t("abandoned")}</th><th></th></tr></thead>
      <tbody>
        ${chart.classes.map(
          (one) => html`
            <tr>
              <td>${one.to_seconds === null ? t("chart.from", { from: one.from_seconds }) : t("chart.between", { from: one.from_seconds, to: one.to_seconds })}</td>
              <td class="number">${one.answered}</td>
              <td class="number">${one.abandoned}</td>
              <td class="bar-cell">
                <meter class="answered" min="0" max=${most} .value=${one.answered} aria-hidden="true"></meter>
                <meter class="abandoned" min="0" max=${most} .value=${one.abandoned} aria-hidden="true"></meter>
              </td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  `;
}
