/** /workload: what agents did, by period, interval, agent and queue: a chart, a table, and files of it. */

import "./styles/base.css";
import "./styles/workload.css";
import { html, nothing, type TemplateResult } from "lit";
import { words } from "./shared/api";
import { t as common } from "./shared/i18n";
import { token } from "./shared/session";
import { topBar } from "./shared/topbar";
import { element, mount } from "./shared/view";
import { chartCard } from "./workload/chart";
import { daysOf, PERIODS, today, type Period } from "./workload/periods";
import { Report } from "./workload/report";
import { tableCard } from "./workload/table";
import { GROUPINGS, INTERVALS, type Grouping, type Interval } from "./workload/types";
import { coded, t } from "./workload/words";

let redraw = (): void => {};
const report = new Report(() => redraw());
redraw = mount(element("page"), page);

function page(): TemplateResult {
  document.title = `${common("page.workload")} · ${common("product")}`;
  return html`
    <header>${topBar(report.me)}</header>
    <main id="main" class="workload" aria-busy=${report.busy !== ""}>
      <h1 class="unseen">${common("page.workload")}</h1>
      ${report.zone === "" ? nothing : filters()}
      <p class="error" role="alert" data-test="error">${report.error}</p>
      ${chartCard(report, redraw)} ${tableCard(report, redraw)}
    </main>
  `;
}

function filters(): TemplateResult {
  const { question } = report;
  const now = today(report.zone);
  const chosen = PERIODS.find((period) => {
    const days = daysOf(period, now);
    return days.from === question.from && days.until === question.until;
  });
  const choosePeriod = (value: string): void => {
    if (value === "free") document.getElementById("from")?.focus();
    else void report.ask(daysOf(value as Period, now));
  };
  const day = (name: "from" | "until"): TemplateResult => html`
    <label class="field">${t(`period.${name}`)}
      <input type="date" id=${name} data-test=${name} required min="2000-01-01" max="2199-12-31" .value=${question[name]} @change=${(event: Event) => void report.ask({ [name]: (event.target as HTMLInputElement).value })} />
    </label>
  `;
  return html`
    <form class="card filters" aria-label=${t("filters")} @submit=${(event: Event) => event.preventDefault()}>
      ${choice("period", chosen ?? "free", [...PERIODS, "free"].map((one) => [one, coded("period", one)]), choosePeriod)} ${day("from")} ${day("until")}
      ${choice("interval", question.interval, INTERVALS.map((one) => [one, t(`interval.${one}`)]), (value) => void report.ask({ interval: value as Interval }))}
      ${choice("group", question.group, GROUPINGS.map((one) => [one, t(`group.${one}`)]), (value) => void report.ask({ group: value as Grouping }))}
      ${choice("agent", question.agent, [["", t("agents.all")], ...report.people], (value) => void report.ask({ agent: value }))}
      ${choice("queue", question.queue, [["", t("queues.all")], ...[...report.queues.keys()].map((name): [string, string] => [name, report.queueWords(name)])], (value) => void report.ask({ queue: value }))}
    </form>
  `;
}

function choice(name: "period" | "interval" | "group" | "agent" | "queue", chosen: string, options: [string, string][], choose: (value: string) => void): TemplateResult {
  return html`
    <label class="field" title=${name === "queue" ? t("queue.members") : nothing}>${t(`filter.${name}`)}
      <select data-test=${name} @change=${(event: Event) => choose((event.target as HTMLSelectElement).value)}>
        ${options.map(([value, said]) => html`<option value=${value} .selected=${value === chosen}>${said}</option>`)}
      </select>
    </label>
  `;
}

window.addEventListener("resize", () => redraw());

if (token() === null) location.replace("/login?next=/workload");
else
  report.start().catch((error: unknown) => {
    report.error = words(error);
    redraw();
  });
