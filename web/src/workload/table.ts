/** The rows, as many columns as there are figures, and the totals of all of them. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { agentWords, hms, intervalWords, shown, STATES } from "./figures";
import type { Report } from "./report";
import type { Row } from "./types";
import { t } from "./words";

const COUNTS = ["offered", "answered", "missed", "withdrawn", "transferred"] as const;
let withReasons = false;

export function tableCard(report: Report, redraw: () => void): TemplateResult {
  const toggle = (): void => {
    withReasons = !withReasons;
    redraw();
  };
  return html`
    <section class="card" aria-labelledby="table-title">
      <div class="row between">
        <h2 id="table-title">${t("table.title")}</h2>
        <div class="row">
          <label class="check"><input type="checkbox" data-test="reasons" .checked=${withReasons} @change=${toggle} /> ${t("table.reasons")}</label>
          <button type="button" data-test="csv" ?disabled=${report.rows === null || report.busy !== ""} @click=${() => void report.download("csv")}>${t("download.csv")}</button>
          <button type="button" data-test="xlsx" ?disabled=${report.rows === null || report.busy !== ""} @click=${() => void report.download("xlsx")}>${t("download.xlsx")}</button>
        </div>
      </div>
      ${content(report)}
    </section>
  `;
}

function content(report: Report): TemplateResult {
  const { rows, total } = report;
  if (rows === null) return html`<p class="soft">${report.error === "" ? t("loading") : t("table.none")}</p>`;
  if (total === null) return html`<p class="soft" data-test="nothing">${t("table.none")}</p>`;
  const reasons = withReasons ? Object.keys(total.paused_seconds_by_reason) : [];
  return html`
    <div class="scroll" tabindex="0" role="region" aria-labelledby="table-title">
      <table data-test="workload">
        ${head(report, reasons)}
        <tbody>
          ${repeat(
            rows,
            (row) => `${row.start} ${row.agent_number ?? ""} ${row.queue_name ?? ""}`,
            (row) => html`<tr data-agent=${row.agent_number ?? nothing} data-start=${row.start.slice(0, 16)} data-queue=${row.queue_name ?? nothing}>${names(report, row)} ${figures(row, reasons)}</tr>`,
          )}
        </tbody>
        <tfoot>
          <tr data-test="total"><th scope="row" colspan=${namedColumns(report).length || 1}>${t("table.total")}</th>${figures(total, reasons)}</tr>
        </tfoot>
      </table>
    </div>
    <div class="row between foot">
      <p class="soft small">${t("table.rounded")}</p>
      ${report.next === null ? nothing : html`<button type="button" data-test="more" ?disabled=${report.busy !== ""} @click=${() => void report.more()}>${t("table.more", { count: rows.length })}</button>`}
    </div>
  `;
}

/** The columns that say whose row it is. */
function namedColumns(report: Report): ("interval" | "agent" | "queue")[] {
  const { interval, group } = report.question;
  const columns: ("interval" | "agent" | "queue")[] = interval === "period" ? [] : ["interval"];
  if (group.includes("agent")) columns.push("agent");
  if (group.includes("queue")) columns.push("queue");
  return columns;
}

function head(report: Report, reasons: string[]): TemplateResult {
  const named = namedColumns(report);
  return html`
    <thead>
      <tr class="groups">
        <td colspan=${named.length || 1}></td>
        <th scope="colgroup" colspan=${1 + STATES.length + reasons.length}>${t("columns.durations")}</th>
        <th scope="colgroup" colspan=${COUNTS.length}>${t("columns.calls")}</th>
        <th scope="colgroup" colspan="2">${t("columns.marks")}</th>
        <th scope="colgroup" colspan="2">${t("columns.work_orders")}</th>
      </tr>
      <tr>
        ${named.length === 0 ? html`<td></td>` : named.map((name) => html`<th scope="col">${t(`column.${name}`)}</th>`)}
        <th scope="col" class="number edge">${t("column.logged_in")}</th>
        ${STATES.map(
          (state) => html`
            <th scope="col" class="number" title=${state === "unobserved" ? t("column.unobserved.title") : nothing}>${t(`column.${state}`)}</th>
            ${state === "paused" ? reasons.map((reason) => html`<th scope="col" class="number part">${report.reasonWords(reason)}</th>`) : nothing}
          `,
        )}
        ${COUNTS.map((count, index) => html`<th scope="col" class="number ${index === 0 ? "edge" : ""}" title=${count === "withdrawn" ? t("column.withdrawn.title") : nothing}>${t(`column.${count}`)}</th>`)}
        <th scope="col" class="number edge">${t("column.rated")}</th>
        <th scope="col" class="number">${t("column.average_rating")}</th>
        <th scope="col" class="number edge">${t("column.work_orders_taken")}</th>
        <th scope="col" class="number">${t("column.work_orders_closed")}</th>
      </tr>
    </thead>
  `;
}

function names(report: Report, row: Row): TemplateResult[] {
  const named = namedColumns(report);
  if (named.length === 0) return [html`<td></td>`];
  const words = { interval: intervalWords(row, report.question.interval), agent: agentWords(row), queue: report.queueWords(row.queue_name) };
  return named.map((name) => html`<td class="name ${name === "interval" ? "numbers" : ""}" title=${words[name]}>${words[name]}</td>`);
}

function figures(row: Row, reasons: string[]): TemplateResult {
  const { logged_in, states, paused } = shown(row);
  const time = (name: string, seconds: number, kind = ""): TemplateResult =>
    html`<td class="number ${kind} ${seconds === 0 ? "naught" : ""}" data-cell=${name}>${hms(seconds)}</td>`;
  const count = (name: string, value: number, kind = ""): TemplateResult =>
    html`<td class="number ${kind} ${value === 0 ? "naught" : ""}" data-cell=${name}>${value}</td>`;
  return html`
    ${time("logged_in", logged_in, "edge strong")}
    ${STATES.map((state) => html`${time(state, states[state])} ${state === "paused" ? reasons.map((reason) => time(`paused:${reason}`, paused[reason] ?? 0, "part")) : nothing}`)}
    ${COUNTS.map((name, index) => count(name, row[name], index === 0 ? "edge" : ""))}
    ${count("rated", row.rated, "edge")}
    <td class="number ${row.average_rating === null ? "naught" : ""}" data-cell="average_rating">${row.average_rating === null ? "–" : row.average_rating.toFixed(2)}</td>
    ${count("work_orders_taken", row.work_orders_taken, "edge")} ${count("work_orders_closed", row.work_orders_closed)}
  `;
}
