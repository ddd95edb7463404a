/** What would happen if it ran now, and whom it finds by itself every day. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { moment, when } from "../shared/i18n";
import { counts } from "./bars";
import { reasonWords } from "./contacts";
import { moreButton } from "./more";
import type { Store } from "./store";
import type { Audience, Campaign, DryRun, Foreseen } from "./types";
import { coded, t } from "./words";

export function planTab(store: Store, campaign: Campaign): TemplateResult {
  return html`${dryRun(store, campaign)} ${audience(store, campaign)}`;
}

function dryRun(store: Store, campaign: Campaign): TemplateResult {
  const run = store.dryRun;
  return html`
    <section class="card stack" aria-labelledby="plan-title" aria-live="polite" data-test="dry-run">
      <div class="row between">
        <h2 id="plan-title">${t("plan.title")}</h2>
        <button type="button" data-test="foresee" ?disabled=${store.busy.has("plan")} @click=${() => void store.act("plan", () => store.loadDryRun(campaign.id))}>${t("reload")}</button>
      </div>
      <p class="soft small">${t("plan.hint")}</p>
      ${run === null ? html`<p class="soft">${t("loading")}</p>` : run.contacts === 0 ? html`<p class="soft empty">${t("contacts.none")}</p>` : foreseen(store, campaign, run)}
    </section>
  `;
}

function foreseen(store: Store, campaign: Campaign, run: DryRun): TemplateResult {
  return html`
    ${run.counted < run.contacts ? html`<p class="soft small">${t("plan.counted", { counted: run.counted, contacts: run.contacts })}</p>` : nothing}
    <div class="pair">
      <div><h3>${t("plan.decisions")}</h3>${counts("decision", t("plan.decisions"), run.by_decision)}</div>
      <div><h3>${t("column.reason")}</h3>${counts("reason", t("column.reason"), run.by_reason, undefined, (_, reason) => reasonWords(reason))}</div>
    </div>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="plan-title">
      <table data-test="foreseen">
        <thead>
          <tr><th scope="col">${t("column.person")}</th><th scope="col">${t("plan.decisions")}</th><th scope="col">${t("column.reason")}</th><th scope="col">${t("column.when")}</th><th scope="col">${t("column.number")}</th></tr>
        </thead>
        <tbody>${repeat(run.items, (one) => one.contact_id, (one) => line(campaign, one))}</tbody>
      </table>
    </div>
    ${moreButton(store, "plan", run.next_cursor, (cursor) => store.loadDryRun(campaign.id, cursor))}
  `;
}

function line(campaign: Campaign, one: Foreseen): TemplateResult {
  return html`
    <tr>
      <td><a href="#/${campaign.id}/contacts/${one.contact_id}">${one.name || one.key}</a></td>
      <td>${coded("decision", one.decision)}</td>
      <td>${reasonWords(one.reason)}</td>
      <td>${one.at === null ? "–" : when(one.at)}</td>
      <td class="numbers">${one.number ?? (one.at === null ? "–" : coded("channel", one.channel))}</td>
    </tr>
  `;
}

// -- found by itself

function audience(store: Store, campaign: Campaign): TemplateResult {
  const found = store.audience;
  return html`
    <section class="card stack" aria-labelledby="audience-title" data-test="audience">
      <h2 id="audience-title">${t("audience.title")}</h2>
      ${found === null ? html`<p class="soft" data-test="no-audience">${t("audience.none")}</p>` : audienceOf(store, campaign, found)}
    </section>
  `;
}

function audienceOf(store: Store, campaign: Campaign, found: Audience): TemplateResult {
  const open = store.mayChange && campaign.state !== "finished" && campaign.state !== "cancelled";
  const { kind, ...more } = found.audience;
  const change = (event: Event): void => void store.act("audience", () => store.putAudienceTime(campaign.id, (event.target as HTMLInputElement).value || null));
  return html`
    <dl class="facts">
      <div><dt>${t("audience.who")}</dt><dd>${coded("audience", String(kind))}</dd></div>
      ${rules(more).map(([name, value]) => html`<div><dt>${coded("audience_rule", name)}</dt><dd class="numbers">${value}</dd></div>`)}
      <div>
        <dt><label for="at-time">${t("audience.at_time")}</label></dt>
        <dd><input id="at-time" type="time" data-test="at-time" .value=${found.at_time ?? ""} ?disabled=${!open || store.busy.has("audience")} @change=${change} /></dd>
      </div>
    </dl>
    ${open
      ? html`
          <div class="row">
            <button type="button" data-test="look" ?disabled=${store.busy.has("audience")} @click=${() => void store.act("audience", () => store.lookNow(campaign.id), t("audience.looked"))}>${t("audience.look")}</button>
            <span class="soft small">${t("audience.look.hint")}</span>
          </div>
        `
      : nothing}
    ${found.days.length === 0
      ? html`<p class="soft">${t("audience.no_days")}</p>`
      : html`
          <table data-test="days">
            <thead><tr><th scope="col">${t("audience.day")}</th><th scope="col" class="number">${t("audience.found")}</th><th scope="col" class="number">${t("audience.added")}</th><th scope="col" class="number">${t("audience.unreachable")}</th><th scope="col">${t("column.when")}</th></tr></thead>
            <tbody>
              ${found.days.map((one) => html`<tr><td class="numbers">${one.day}</td><td class="number">${one.found}</td><td class="number">${one.added}</td><td class="number">${one.unreachable}</td><td>${one.finished_at === null ? t("loading") : moment(one.finished_at)}</td></tr>`)}
            </tbody>
          </table>
        `}
  `;
}

/** What is set of the rule, those within the people too. */
function rules(values: Record<string, unknown>): [string, string][] {
  return Object.entries(values).flatMap(([name, value]): [string, string][] => {
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return [];
    if (typeof value === "object" && !Array.isArray(value)) return rules(value as Record<string, unknown>);
    return [[name, Array.isArray(value) ? value.join(", ") : String(value)]];
  });
}
