/** The people of a campaign: found by where they stand, put in by hand or from a file. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { post } from "../shared/api";
import { when } from "../shared/i18n";
import { moreButton } from "./more";
import type { ContactFilter, Store } from "./store";
import { CONTACT_STATES, STATUSES, type Added, type Campaign, type Contact } from "./types";
import { uploadForm } from "./upload";
import { coded, t } from "./words";

/** What the last one put in by hand came to. */
let told: { of: string; text: string; bad: boolean } | null = null;

export function contactsTab(store: Store, campaign: Campaign): TemplateResult {
  const open = campaign.state !== "finished" && campaign.state !== "cancelled";
  return html`
    ${store.mayChange && open ? html`<div class="pair">${byHand(store, campaign)} ${uploadForm(store, campaign)}</div>` : nothing}
    <section class="card" aria-labelledby="contacts-title">
      <div class="row between head">
        <h2 id="contacts-title">${t("tab.contacts")}</h2>
        <div class="row">
          ${filter(store, "state", t("column.state"), CONTACT_STATES.map((one) => [one, coded("result", one)]))}
          ${filter(store, "status", t("column.status"), STATUSES.map((one) => [one, coded("status", one)]))}
          <button type="button" data-test="reload" ?disabled=${store.busy.has("contacts")} @click=${() => void store.act("contacts", () => store.contactsChanged())}>${t("reload")}</button>
        </div>
      </div>
      ${table(store, campaign)}
    </section>
  `;
}

function filter(store: Store, name: keyof ContactFilter, words: string, options: [string, string][]): TemplateResult {
  const choose = (event: Event): void => {
    store.contactFilter = { ...store.contactFilter, [name]: (event.target as HTMLSelectElement).value };
    void store.act("contacts", () => store.loadContacts());
  };
  return html`
    <label class="inline-field">${words}
      <select data-test="contact-${name}" @change=${choose}>
        <option value="">${t("all")}</option>
        ${options.map(([value, said]) => html`<option value=${value} .selected=${store.contactFilter[name] === value}>${said}</option>`)}
      </select>
    </label>
  `;
}

function table(store: Store, campaign: Campaign): TemplateResult {
  const { contacts } = store;
  if (contacts === null) return html`<p class="soft">${t("loading")}</p>`;
  if (contacts.length === 0) return html`<p class="soft empty" data-test="no-contacts">${t("contacts.none")}</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-labelledby="contacts-title">
      <table data-test="contacts">
        <thead>
          <tr>
            <th scope="col">${t("column.person")}</th><th scope="col">${t("column.number")}</th><th scope="col">${t("column.state")}</th><th scope="col">${t("column.status")}</th>
            <th scope="col">${t("column.reason")}</th><th scope="col" class="number">${t("column.attempts")}</th><th scope="col">${t("column.when")}</th>
          </tr>
        </thead>
        <tbody>${repeat(contacts, (one) => one.id, (one) => row(campaign, one))}</tbody>
      </table>
    </div>
    ${moreButton(store, "contacts", store.nextContacts, (cursor) => store.loadContacts(cursor))}
  `;
}

function row(campaign: Campaign, contact: Contact): TemplateResult {
  const at = contact.finished_at ?? contact.next_at;
  return html`
    <tr data-contact=${contact.key}>
      <td class="name"><a href="#/${campaign.id}/contacts/${contact.id}">${contact.name || contact.key}</a><small class="soft numbers">${contact.key}</small></td>
      <td class="numbers">${contact.numbers[0] ?? contact.email ?? "–"}</td>
      <td>${resultTag(contact)}</td>
      <td>${coded("status", contact.status)}</td>
      <td>${contact.reason === null ? "–" : reasonWords(contact.reason)}</td>
      <td class="number">${contact.attempts}</td>
      <td>${at === null ? "–" : html`<time datetime=${at}>${when(at)}</time>`}</td>
    </tr>
  `;
}

const COLOURS: Record<string, string> = { reached: "good", refused: "warn", unreachable: "warn", failed: "bad", unknown: "bad", withdrawn: "plain", new: "plain", waiting: "plain" };

/** The result; before there is one, what goes on. */
export function resultTag(contact: Contact): TemplateResult {
  const code = contact.result ?? contact.state;
  return html`<span class="tag ${COLOURS[code] ?? ""}">${coded("result", code)}</span>`;
}

/** A reason is a word of its own, or an outcome. */
export function reasonWords(reason: string): string {
  const own = coded("reason", reason);
  return own === reason ? coded("outcome", reason) : own;
}

/** The variables that the campaign's texts ask of every contact. */
export function variablesOf(campaign: Campaign): string[] {
  const { spoken, email, sms } = campaign.texts;
  const all = [...Object.values(spoken), ...(email ? [email.subject, email.text] : []), ...(sms ? [sms] : [])];
  const found = all.flatMap(({ zh, en }) => [...`${zh} ${en}`.matchAll(/\{([a-z][a-z0-9_]{0,39})\}/g)].map((match) => match[1] ?? ""));
  return [...new Set(found)].filter((name) => name !== "name");
}

function byHand(store: Store, campaign: Campaign): TemplateResult {
  const needsMail = campaign.channels.includes("email");
  const add = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const given = new FormData(form);
    const value = (name: string): string => String(given.get(name) ?? "").trim();
    const numbers = value("numbers").split(/[;；,，、\n]+/).map((one) => one.trim()).filter((one) => one !== "");
    const contact = {
      key: value("key") || numbers[0] || value("email"),
      name: value("name"),
      language: value("language"),
      numbers,
      email: value("email") || null,
      variables: Object.fromEntries(variablesOf(campaign).map((name) => [name, value(`variable-${name}`)])),
    };
    if (contact.key === "") {
      told = { of: campaign.id, text: t("rejected.unreachable"), bad: true };
      store.changed();
      return;
    }
    await store.act("contact", async () => {
      const { rejected } = await post<Added>(`/campaigns/${campaign.id}/contacts`, { contacts: [contact] });
      const why = rejected[0]?.reason;
      told = { of: campaign.id, bad: why !== undefined, text: why === undefined ? t("contacts.added", { who: contact.name || contact.key }) : coded("rejected", why) };
      if (why !== undefined) return;
      form.reset();
      form.querySelector("input")?.focus();
      await store.contactsChanged();
    });
  };
  return html`
    <section class="card" aria-labelledby="by-hand-title">
      <h2 id="by-hand-title">${t("contacts.by_hand")}</h2>
      <form class="fields" data-test="by-hand" @submit=${(event: SubmitEvent) => void add(event)}>
        <label class="field">${t("contact.name")} <input name="name" maxlength="100" autocomplete="off" /></label>
        <label class="field">${t("contact.numbers")} <input name="numbers" maxlength="200" autocomplete="off" inputmode="tel" placeholder="13800000001" /></label>
        ${needsMail ? html`<label class="field">${t("contact.email")} <input name="email" type="email" maxlength="200" autocomplete="off" /></label>` : nothing}
        ${variablesOf(campaign).map((name) => html`<label class="field"><span>${t("contact.variable")} <code>{${name}}</code></span> <input name="variable-${name}" required maxlength="200" autocomplete="off" /></label>`)}
        <label class="field">${t("contact.language")}
          <select name="language"><option value="zh">${t("language.zh")}</option><option value="en">${t("language.en")}</option></select>
        </label>
        <label class="field">${t("contact.key")} <input name="key" maxlength="100" autocomplete="off" placeholder=${t("contact.key.hint")} /></label>
        <div class="row wide-field">
          <button type="submit" class="primary" data-test="add" ?disabled=${store.busy.has("contact")}>${t("contacts.add")}</button>
          <span role="status" class=${told?.bad ? "error" : "good-ink"} data-test="added">${told?.of === campaign.id ? told.text : ""}</span>
        </div>
      </form>
    </section>
  `;
}
