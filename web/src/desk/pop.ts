/** Who calls: everything the service knows, masked until the caller is verified or the agent states a reason. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { day, duration, label, language, moment, when } from "../shared/i18n";
import type { Desk } from "./model";
import type { CalledContact, Named, PopCall, PopPatient, ScreenPop } from "./types";
import { coded, t } from "./words";

export function popCard(desk: Desk): TemplateResult {
  const pop = desk.pop;
  if (pop === null) {
    return html`
      <section class="card pop empty" aria-labelledby="pop-title" data-test="pop-empty">
        <h2 id="pop-title">${t("pop.title")}</h2>
        <p class="soft">${desk.popError || (desk.phase === "ringing" ? t("loading") : t("pop.nobody"))}</p>
      </section>
    `;
  }
  return html`
    <section class="card pop" aria-labelledby="pop-title" aria-live="polite" data-test="pop" data-call=${pop.call_id}>
      ${head(desk, pop)} ${pop.campaign === null ? way(pop) : called(pop.campaign)} ${pop.candidates.length > 1 ? choose(desk, pop) : nothing}
      ${pop.patient ? patient(desk, pop, pop.patient) : html`<p class="soft" data-test="no-patient">${t("pop.unknown_caller")}</p>`}
      ${workOrders(pop)} ${history(desk, pop)}
    </section>
  `;
}

function head(desk: Desk, pop: ScreenPop): TemplateResult {
  return html`
    <div class="pop-head">
      <h2 id="pop-title" data-test="pop-name">${pop.patient?.name ?? t("pop.unknown")}</h2>
      ${pop.vip_grade ? html`<span class="tag vip" data-test="vip">${t("pop.vip", { grade: label(desk.gradeLabel(pop.vip_grade)) })}</span>` : nothing}
      <span class="tag ${pop.verified ? "good" : "warn"}" data-test="verified">${pop.verified ? t("pop.verified") : t("pop.not_verified")}</span>
      ${pop.patient?.deceased ? html`<span class="tag bad">${t("pop.deceased")}</span>` : nothing}
      ${desk.isOnCall || desk.state?.activity === "wrap_up"
        ? nothing
        : html`<button class="quiet pop-close" type="button" @click=${() => desk.closePop()}>${t("pop.close")}</button>`}
    </div>
    <dl class="facts">
      ${fact(t("pop.number"), html`<span class="numbers" data-test="caller">${pop.caller_masked}</span>`)}
      ${pop.queue ? fact(t("pop.queue"), html`<span data-test="queue">${label(pop.queue)}</span>`) : nothing}
      ${pop.wait_seconds === null ? nothing : fact(t("pop.wait"), html`<span class="numbers">${duration(pop.wait_seconds)}</span>`)}
      ${pop.language ? fact(t("pop.language"), coded("language", pop.language)) : nothing}
    </dl>
  `;
}

function fact(name: string, value: unknown): TemplateResult {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

export function called(campaign: CalledContact): TemplateResult {
  return html`
    <div class="called" data-test="campaign">
      <h3>${t("pop.campaign")} · ${campaign.name}</h3>
      <p>${t("pop.ask_for")} <strong data-test="contact">${campaign.contact || t("unknown")}</strong></p>
      ${campaign.script === "" ? nothing : html`<blockquote data-test="script">${campaign.script}</blockquote>`}
    </div>
  `;
}

function way(pop: ScreenPop): TemplateResult {
  return html`
    <div class="way" data-test="way">
      <h3>${t("pop.way")}</h3>
      ${pop.way.length === 0
        ? html`<span class="soft">${pop.way_known ? t("pop.way_none") : t("loading")}</span>`
        : html`<ol>${pop.way.map((step) => html`<li>${language() === "en" ? step.text_en : step.text_zh}</li>`)}</ol>`}
    </div>
  `;
}

function choose(desk: Desk, pop: ScreenPop): TemplateResult {
  return html`
    <div class="choose" role="group" aria-labelledby="choose-title" data-test="choose">
      <h3 id="choose-title">${t("pop.choose")}</h3>
      <div class="row">
        ${repeat(
          pop.candidates,
          (one) => one.id,
          (one) => html`
            <button
              type="button"
              aria-pressed=${one.id === pop.patient?.id}
              ?disabled=${desk.busy.has("patient")}
              @click=${() => void desk.choosePatient(one.id)}
            >
              ${one.name_masked} <small class="soft">${coded("relation", one.relation)}</small>
              ${one.vip_grade ? html`<span class="tag vip">VIP</span>` : nothing}
            </button>
          `,
        )}
      </div>
    </div>
  `;
}

function patient(desk: Desk, pop: ScreenPop, who: PopPatient): TemplateResult {
  const hidden = who.revealed ? null : html`<span class="soft">${t("pop.hidden")}</span>`;
  return html`
    ${who.revealed ? nothing : revealForm(desk, pop, who)}
    <dl class="facts" data-test="patient" data-revealed=${who.revealed}>
      ${fact(t("patient.id"), hidden ?? who.external_id)} ${fact(t("patient.sex"), hidden ?? coded("sex", who.sex ?? "unknown"))}
      ${fact(t("patient.age"), hidden ?? (who.age === null ? t("unknown") : t("patient.years", { age: who.age })))}
      ${fact(t("patient.doctor"), hidden ?? (who.responsible_doctor ? named(who.responsible_doctor) : t("none")))}
    </dl>
    <div class="columns">
      <div>
        <h3>${t("patient.appointments")}</h3>
        ${list(
          who.appointments.slice(0, 4),
          (one) => html`
            <li><time>${moment(one.starts_at)}</time> <span>${places(one, hidden)}</span> <span class="tag">${coded("appointment", one.status)}</span></li>
          `,
        )}
      </div>
      <div>
        <h3>${t("patient.visits")}</h3>
        ${list(
          who.visits.slice(0, 4),
          (one) => html`
            <li><time>${day(one.visited_at)}</time> <span>${places(one, hidden)}</span> <span class="tag">${coded("visit", one.kind)}</span> <span>${one.summary}</span></li>
          `,
        )}
      </div>
    </div>
  `;
}

function revealForm(desk: Desk, pop: ScreenPop, who: PopPatient): TemplateResult {
  const reveal = (event: SubmitEvent): void => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget as HTMLFormElement).get("reason") ?? "");
    if (reason !== "") void desk.reveal(who.id, reason);
  };
  return html`
    <form class="reveal row" @submit=${reveal} data-test="reveal">
      <label for="reveal-reason">${t("reveal.label")}</label>
      <select id="reveal-reason" name="reason" required>
        <option value="">${t("reveal.choose")}</option>
        ${pop.reveal_reasons.map((reason) => html`<option value=${reason.code}>${label(reason)}</option>`)}
      </select>
      <button type="submit" ?disabled=${desk.busy.has("reveal")}>${t("reveal.show")}</button>
      <small class="soft">${t("reveal.kept")}</small>
    </form>
  `;
}

function named(of: Named): string {
  return language() === "en" ? of.name_en : of.name_zh;
}

function places(one: { department: Named | null; doctor: Named | null }, hidden: TemplateResult | null): unknown {
  return hidden ?? [one.department, one.doctor].filter((part) => part !== null).map(named).join(" · ");
}

function list<Item>(items: readonly Item[], row: (item: Item) => TemplateResult): TemplateResult {
  return items.length === 0 ? html`<p class="soft">${t("none")}</p>` : html`<ul class="lines">${items.map(row)}</ul>`;
}

function workOrders(pop: ScreenPop): TemplateResult | typeof nothing {
  if (pop.work_orders.length === 0) return nothing;
  return html`
    <h3>${t("pop.work_orders")}</h3>
    <ul class="lines" data-test="work-orders">
      ${pop.work_orders.map(
        (order) => html`
          <li>
            <span class="numbers">#${order.number}</span>
            <span class="tag ${order.kind === "complaint" ? "bad" : ""}">${coded("order", order.kind)}</span>
            <span>${order.request ?? order.category ?? ""}</span>
            <span class="soft">${t("pop.due", { at: day(order.due_at) })}</span>
          </li>
        `,
      )}
    </ul>
  `;
}

function history(desk: Desk, pop: ScreenPop): TemplateResult {
  return html`
    <h3>${t("pop.history")}</h3>
    ${pop.previous_calls.length === 0
      ? html`<p class="soft">${t("none")}</p>`
      : html`
          <table data-test="history">
            <thead>
              <tr><th>${t("history.at")}</th><th>${t("history.queue")}</th><th>${t("history.agent")}</th><th class="number">${t("history.talk")}</th><th>${t("history.note")}</th></tr>
            </thead>
            <tbody>
              ${repeat(pop.previous_calls, (call) => call.id, (call) => historyRow(desk, call))}
            </tbody>
          </table>
        `}
  `;
}

function historyRow(desk: Desk, call: PopCall): TemplateResult {
  return html`
    <tr>
      <td class="nowrap"><time>${when(call.started_at)}</time></td>
      <td class="nowrap">${call.queue_name ? label(desk.queueLabel(call.queue_name)) : coded("direction", call.direction)}</td>
      <td>${call.agent_number ?? "–"}</td>
      <td class="number">${call.talk_seconds > 0 ? duration(call.talk_seconds) : coded("outcome", call.outcome)}</td>
      <td class="note-cell">${call.note ?? ""}</td>
    </tr>
  `;
}
