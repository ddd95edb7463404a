/** All campaigns: how far each is, and what can be done with it. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { when } from "../shared/i18n";
import { stateButtons, stateTag } from "./actions";
import { percent, stack } from "./bars";
import { moreButton } from "./more";
import type { Store } from "./store";
import { STATES, type Campaign, type State } from "./types";
import { coded, t } from "./words";

export function listView(store: Store): TemplateResult {
  const choose = (event: Event): void => {
    store.filter = (event.target as HTMLSelectElement).value as State | "";
    void store.act("list", () => store.loadList());
  };
  return html`
    <section class="card" aria-labelledby="list-title">
      <div class="row between head">
        <h1 id="list-title">${t("list.title")}</h1>
        <div class="row">
          <label class="inline-field">${t("list.state")}
            <select data-test="state" @change=${choose}>
              <option value="">${t("all")}</option>
              ${STATES.map((state) => html`<option value=${state} .selected=${store.filter === state}>${coded("state", state)}</option>`)}
            </select>
          </label>
          ${store.mayListUnwilling ? html`<a class="button" href="#/do-not-call" data-test="do-not-call">${t("dnc.title")}</a>` : nothing}
          <a class="button" href="#/limits" data-test="limits">${t("limits.link")}</a>
          ${store.mayChange ? html`<a class="button primary" href="#/new" data-test="new">${t("list.new")}</a>` : nothing}
        </div>
      </div>
      ${table(store)}
    </section>
  `;
}

function table(store: Store): TemplateResult {
  const { campaigns } = store;
  if (campaigns === null) return html`<p class="soft">${t("loading")}</p>`;
  if (campaigns.length === 0) return html`<p class="soft empty" data-test="none">${t(store.filter === "" ? "list.none" : "list.none_so")}</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-labelledby="list-title">
      <table class="list" data-test="campaigns">
        <thead>
          <tr>
            <th scope="col">${t("column.name")}</th><th scope="col">${t("column.state")}</th>
            <th scope="col" class="wide-cell">${t("column.progress")}</th>
            <th scope="col" class="number">${t("column.reach_rate")}</th><th scope="col" class="number">${t("column.due")}</th>
            <th scope="col">${t("column.changed")}</th>
            ${store.mayChange ? html`<th scope="col"><span class="unseen">${t("column.actions")}</span></th>` : nothing}
          </tr>
        </thead>
        <tbody>${repeat(campaigns, (one) => one.id, (one) => row(store, one))}</tbody>
      </table>
    </div>
    ${moreButton(store, "list", store.next, (cursor) => store.loadList(cursor))}
  `;
}

function row(store: Store, campaign: Campaign): TemplateResult {
  const standing = store.standings.get(campaign.id);
  const [contacts, finished, reached, dialling, due] = [standing?.contacts ?? 0, standing?.finished ?? 0, standing?.reached ?? 0, standing?.dialling ?? 0, standing?.due ?? 0];
  const done = t("progress.done", { finished, contacts });
  return html`
    <tr data-campaign=${campaign.id}>
      <td class="name"><a href="#/${campaign.id}">${campaign.name}</a><small class="soft">${coded("kind", campaign.kind)}</small></td>
      <td>${stateTag(campaign)}</td>
      <td class="wide-cell">
        ${stack([{ name: "reached", count: reached }, { name: "ended", count: finished - reached }, { name: "dialling", count: dialling }], contacts, done)}
        <small class="soft numbers">${contacts === 0 ? t("progress.nobody") : done}</small>
      </td>
      <td class="number" data-label=${t("column.reach_rate")}>${percent(finished === 0 ? null : reached / finished)}</td>
      <td class="number" data-label=${t("column.due")}>${campaign.state === "running" ? `${due} / ${dialling}` : "–"}</td>
      <td data-label=${t("column.changed")}><time datetime=${campaign.changed_at}>${when(campaign.changed_at)}</time><small class="soft">${campaign.changed_by}</small></td>
      ${store.mayChange ? html`<td><div class="row actions">${stateButtons(store, campaign, true)}</div></td>` : nothing}
    </tr>
  `;
}
