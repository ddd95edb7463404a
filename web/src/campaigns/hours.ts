/** Attempts by hour, and how many of them became conversations: bars, on the campaign's clock. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { language } from "../shared/i18n";
import { local } from "../shared/zones";
import type { Store } from "./store";
import type { Hour } from "./types";
import { t } from "./words";

const HEIGHT = 200;
const WIDEST_BAR = 36;
let plot: uPlot | null = null;
let drawn = "";

/** Not lit's: the plot keeps its own canvas, made anew when data, width or language changed. */
export function drawHours(store: Store): void {
  const root = document.getElementById("hours");
  if (root === null || store.results === null || store.campaign === null || root.clientWidth === 0) return;
  const now = `${store.campaign.id} ${store.version} ${root.clientWidth} ${language()}`;
  if (now === drawn && root.childElementCount > 0) return;
  drawn = now;
  plot?.destroy();
  plot = chart(store.results.hours, store.campaign.zone, root);
}

function chart(hours: Hour[], zone: string, root: HTMLElement): uPlot {
  const words = (index: number | null): string => {
    const hour = index === null ? undefined : hours[index];
    return hour === undefined ? "" : local(hour.start, zone).slice(5).replace("T", " ");
  };
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = { stroke: colour("--soft-ink"), font: `12px ${colour("--font")}`, grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  const bars = (label: string, fill: string): uPlot.Series => ({
    label,
    fill: colour(fill),
    stroke: colour(fill),
    width: 0,
    points: { show: false },
    paths: uPlot.paths.bars?.({ size: [0.7, WIDEST_BAR] }) as uPlot.Series.PathBuilder,
    value: (_plot, value) => (value === null ? "–" : String(value)),
  });
  return new uPlot(
    {
      width: root.clientWidth,
      height: HEIGHT,
      padding: [12, 12, 0, 0],
      cursor: { points: { show: false }, y: false, drag: { x: false, y: false } },
      scales: { x: { time: false, range: (_plot, low, high) => [low - 0.6, Math.max(high + 0.6, low + 7.4)] }, y: { range: (_plot, _low, high) => [0, Math.max(4, 1.08 * (high ?? 0))] } },
      axes: [
        { ...axis, size: 36, grid: { show: false }, ticks: { show: false }, incrs: [1, 2, 3, 6, 12, 24, 48], space: 90, values: (_plot, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? words(tick) : "")) },
        { ...axis, size: 48, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] },
      ],
      series: [{ label: t("results.hour"), value: (_plot, _at, _series, index) => words(index) || "–" }, bars(t("results.attempts"), "--bar-attempts"), bars(t("results.conversations"), "--bar-conversations")],
    },
    [hours.map((_hour, index) => index), hours.map((hour) => hour.attempts), hours.map((hour) => hour.conversations)],
    root,
  );
}
