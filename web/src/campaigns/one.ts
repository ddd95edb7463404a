/** One campaign: what it is, what can be done with it, how it goes. */

import { html, nothing, type TemplateResult } from "lit";
import { moment, when } from "../shared/i18n";
import { local } from "../shared/zones";
import { stateButtons, stateTag } from "./actions";
import { counts, figure, percent, stack } from "./bars";
import { contactsTab } from "./contacts";
import { contactView } from "./contact";
import { planTab } from "./plan";
import { resultsTab } from "./results";
import type { Store, Tab } from "./store";
import type { Campaign } from "./types";
import { coded, t } from "./words";

const TABS: Tab[] = ["progress", "results", "contacts", "plan"];

export function oneView(store: Store, tab: Tab, contact: string | null): TemplateResult {
  const { campaign } = store;
  if (campaign === null) return html`<p class="soft">${store.busy.has("load") ? t("loading") : nothing}</p>`;
  return html`
    ${head(store, campaign)}
    <nav class="tabs" aria-label=${t("tabs")}>
      ${TABS.map((one) => html`<a href="#/${campaign.id}${one === "progress" ? "" : `/${one}`}" data-test="tab-${one}" aria-current=${one === tab ? "page" : nothing}>${t(`tab.${one}`)}</a>`)}
    </nav>
    ${contact !== null ? contactView(store, campaign) : tab === "progress" ? progressTab(store, campaign) : tab === "results" ? resultsTab(store) : tab === "plan" ? planTab(store, campaign) : contactsTab(store, campaign)}
  `;
}

function head(store: Store, campaign: Campaign): TemplateResult {
  const days = `${day(campaign.starts_at, campaign.zone)} – ${day(campaign.ends_at, campaign.zone)}`;
  return html`
    <section class="card title">
      <p class="back"><a href="#/">← ${t("list.title")}</a></p>
      <div class="row between">
        <div class="row">
          <h1>${campaign.name}</h1>
          ${stateTag(campaign)}
        </div>
        <div class="row">
          ${store.mayChange && (campaign.state === "draft" || campaign.state === "running" || campaign.state === "paused") ? html`<a class="button" href="#/${campaign.id}/edit" data-test="edit">${t("edit")}</a>` : nothing}
          ${stateButtons(store, campaign, false)}
        </div>
      </div>
      <p class="soft facts">
        <span>${coded("kind", campaign.kind)}</span><span>${campaign.channels.map((one) => coded("channel", one)).join(" → ")}</span>${campaign.flow === "" ? nothing : html`<span>${coded("flow", campaign.flow)}</span>`}<span>${coded("mode", campaign.pacing.mode)}</span
        ><span class="numbers">${t("shown_number")} ${campaign.caller_id}</span><span class="numbers">${days}</span
        ><span>${t("changed", { who: campaign.changed_by, when: when(campaign.changed_at) })}</span>
      </p>
    </section>
  `;
}

function day(at: string, zone: string): string {
  return local(at, zone).replace("T", " ");
}

function progressTab(store: Store, campaign: Campaign): TemplateResult {
  const { progress } = store;
  if (progress === null) return html`<p class="soft">${t("loading")}</p>`;
  const finished = progress.by_state["finished"] ?? 0;
  const reached = progress.by_result["reached"] ?? 0;
  const dialling = progress.by_state["dialling"] ?? 0;
  const done = t("progress.done", { finished, contacts: progress.contacts });
  const end = progress.expected_end_at;
  return html`
    <section class="card" aria-labelledby="progress-title" data-test="progress">
      <div class="row between">
        <h2 id="progress-title">${t("tab.progress")}</h2>
        <span class="soft numbers" data-test="done">${progress.contacts === 0 ? t("progress.nobody") : done}</span>
      </div>
      ${stack(
        [
          { name: "reached", count: reached },
          { name: "ended", count: finished - reached },
          { name: "dialling", count: dialling },
          { name: "due", count: progress.due },
        ],
        progress.contacts,
        done,
      )}
      <ul class="legend small">
        ${(["reached", "ended", "dialling", "due", "rest"] as const).map((name) => html`<li><span class="swatch ${name}"></span>${t(`legend.${name}`)}</li>`)}
      </ul>
      <dl class="figures">
        ${figure("due", progress.due)} ${figure("dialling", dialling)} ${figure("reached", reached)} ${figure("reach_rate", percent(progress.reach_rate), t("figure.reach_rate.hint"))}
        ${figure("attempts", progress.attempts)} ${figure("per_hour", Math.round(progress.per_hour))}
        ${figure("end", end === null ? "–" : moment(end), t("figure.end.hint"))}
      </dl>
      ${progress.contacts === 0 && store.mayChange ? html`<p><a href="#/${campaign.id}/contacts">${t("contacts.add_first")}</a></p>` : nothing}
    </section>
    <div class="pair">
      <section class="card" aria-labelledby="outcomes-title">
        <h2 id="outcomes-title">${t("by_outcome")}</h2>
        ${counts("outcome", t("by_outcome"), progress.by_outcome)}
      </section>
      <section class="card" aria-labelledby="states-title">
        <h2 id="states-title">${t("by_result")}</h2>
        ${counts("result", t("by_result"), { ...progress.by_result, ...openOnes(progress.by_state) })}
      </section>
    </div>
  `;
}

/** Contacts that have no result yet, beside those that have one. */
function openOnes(byState: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(byState).filter(([state]) => state !== "finished"));
}
