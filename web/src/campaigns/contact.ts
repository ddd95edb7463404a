/** One contact's whole way: every attempt, every answer, and why each call was made, or was not. */

import { html, nothing, type TemplateResult } from "lit";
import { get, remove } from "../shared/api";
import { ask, openDialog } from "../shared/dialog";
import { clock, duration, language, moment } from "../shared/i18n";
import { reasonWords, resultTag } from "./contacts";
import type { Store } from "./store";
import type { Attempt, Campaign, ContactDetail } from "./types";
import { coded, t } from "./words";

interface Call {
  id: string;
  timeline: { at: string; kind: string; text_zh: string; text_en: string }[];
}

const COLOURS: Record<string, string> = { completed: "good", delivered: "good", sent: "good", network_failure: "bad", invalid_number: "bad", unknown: "bad", bounced: "bad" };

export function contactView(store: Store, campaign: Campaign): TemplateResult {
  const { contact } = store;
  if (contact === null) return html`<p class="soft">${store.busy.has("load") ? t("loading") : nothing}</p>`;
  return html`
    <section class="card" data-test="contact">
      <p class="back"><a href="#/${campaign.id}/contacts">← ${t("tab.contacts")}</a></p>
      <div class="row between">
        <div class="row"><h2>${contact.name || contact.key}</h2>${resultTag(contact)}</div>
        <div class="row">
          <button type="button" data-test="reload" ?disabled=${store.busy.has("contact")} @click=${() => void store.act("contact", () => store.loadContact(campaign.id, contact.id))}>${t("reload")}</button>
          ${store.mayChange && contact.state !== "finished" ? html`<button type="button" class="danger" data-test="withdraw" @click=${() => void withdraw(store, campaign, contact)}>${t("contact.withdraw")}</button>` : nothing}
        </div>
      </div>
      ${facts(contact)}
    </section>
    <section class="card" aria-labelledby="attempts-title">
      <h2 id="attempts-title">${t("contact.attempts")}</h2>
      ${attempts(store, contact)}
    </section>
    ${contact.answers.length === 0
      ? nothing
      : html`
          <section class="card" aria-labelledby="said-title">
            <h2 id="said-title">${t("contact.answers")}</h2>
            <table data-test="answers">
              <thead><tr><th scope="col">${t("column.question")}</th><th scope="col">${t("column.answer")}</th><th scope="col">${t("column.attempt")}</th><th scope="col">${t("column.when")}</th></tr></thead>
              <tbody>
                ${contact.answers.map((one) => html`<tr><td>${one.question}</td><td class="strong">${one.value}</td><td class="numbers">${contact.attempts_made.find(({ id }) => id === one.attempt_id)?.number ?? "–"}</td><td><time datetime=${one.answered_at}>${moment(one.answered_at)}</time></td></tr>`)}
              </tbody>
            </table>
          </section>
        `}
    <section class="card" aria-labelledby="why-title">
      <h2 id="why-title">${t("contact.why")}</h2>
      ${decisions(contact)}
    </section>
  `;
}

function facts(contact: ContactDetail): TemplateResult {
  const rows: [string, string | TemplateResult][] = [
    [t("contact.key"), contact.key],
    [t("contact.numbers_of"), contact.numbers.join("、") || "–"],
    ...(contact.email === null ? [] : [[t("contact.email"), contact.email] as [string, string]]),
    [t("contact.language"), coded("language", contact.language)],
    ...Object.entries(contact.variables).map(([name, value]): [string, TemplateResult | string] => [`{${name}}`, String(value)]),
    [t("column.status"), coded("status", contact.status)],
    ...(contact.next_at === null ? [] : [[t("contact.next"), `${coded("channel", contact.next_channel)} · ${moment(contact.next_at)}`] as [string, string]]),
  ];
  return html`<dl class="facts-list">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function attempts(store: Store, contact: ContactDetail): TemplateResult {
  if (contact.attempts_made.length === 0) return html`<p class="soft">${t("contact.no_attempts")}</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-labelledby="attempts-title">
      <table data-test="attempts">
        <thead>
          <tr>
            <th scope="col">${t("column.attempt")}</th><th scope="col">${t("column.channel")}</th><th scope="col">${t("column.number")}</th><th scope="col">${t("column.dialled")}</th>
            <th scope="col" class="number">${t("column.rang")}</th><th scope="col" class="number">${t("column.talked")}</th><th scope="col">${t("column.outcome")}</th><th scope="col">${t("column.agent")}</th><th scope="col"><span class="unseen">${t("column.actions")}</span></th>
          </tr>
        </thead>
        <tbody>${contact.attempts_made.map((one) => attempt(store, one))}</tbody>
      </table>
    </div>
  `;
}

function attempt(store: Store, one: Attempt): TemplateResult {
  const seconds = (from: string | null, until: string | null): string => (from === null || until === null ? "–" : duration((Date.parse(until) - Date.parse(from)) / 1000));
  const at = one.dialled_at ?? one.claimed_at;
  return html`
    <tr data-attempt=${one.number}>
      <td class="numbers">${one.number}</td>
      <td>${coded("channel", one.channel)}</td>
      <td class="numbers">${one.address}</td>
      <td><time datetime=${at}>${moment(at)}</time></td>
      <td class="number">${seconds(one.dialled_at, one.answered_at ?? one.ended_at)}</td>
      <td class="number">${seconds(one.answered_at, one.ended_at)}</td>
      <td>
        <span class="tag ${COLOURS[one.outcome ?? ""] ?? "plain"}">${one.outcome === null ? t("contact.goes_on") : coded("outcome", one.outcome)}</span>
        ${one.hangup_cause === null ? nothing : html`<small class="soft numbers" title=${t("contact.cause")}>${one.hangup_cause}</small>`}
      </td>
      <td class="numbers">${one.agent_number ?? "–"}</td>
      <td class="number">${one.channel === "telephone" && store.mayReadCalls ? html`<button type="button" class="small-button" data-test="call" @click=${() => void openCall(store, one)}>${t("contact.call")}</button>` : nothing}</td>
    </tr>
  `;
}

/** The way of the attempt's call, from ring to hang-up. */
async function openCall(store: Store, one: Attempt): Promise<void> {
  let call: Call | null = null;
  const found = await store.act("call", async () => {
    call = await get<Call>(`/calls/${encodeURIComponent(one.id)}`);
  });
  if (!found) return;
  const { timeline } = call as unknown as Call;
  openDialog(() => ({
    title: t("contact.call_title", { number: one.number }),
    body: html`<ol class="timeline" data-test="timeline">${timeline.map((step) => html`<li><time class="numbers soft">${clock(step.at, true)}</time><span>${language() === "en" ? step.text_en : step.text_zh}</span></li>`)}</ol>`,
  }));
}

function decisions(contact: ContactDetail): TemplateResult {
  if (contact.decisions.length === 0) return html`<p class="soft">${t("contact.no_decisions")}</p>`;
  return html`
    <ol class="timeline" data-test="decisions">
      ${contact.decisions.map(
        (one) => html`
          <li data-decision=${one.decision}>
            <time class="numbers soft" datetime=${one.at}>${moment(one.at)}</time>
            <span><strong>${coded("decision", one.decision)}</strong>${t("colon")}${reasonWords(one.reason)}${one.until === null ? nothing : html` <span class="soft">${t("contact.until", { when: moment(one.until) })}</span>`}</span>
          </li>
        `,
      )}
    </ol>
  `;
}

async function withdraw(store: Store, campaign: Campaign, contact: ContactDetail): Promise<void> {
  if (!(await ask(t("sure.withdraw", { who: contact.name || contact.key }), t("contact.withdraw")))) return;
  await store.act(
    "withdraw",
    async () => {
      await remove(`/campaigns/${campaign.id}/contacts/${contact.id}`);
      await Promise.all([store.loadContact(campaign.id, contact.id), store.contactsChanged()]);
    },
    t("contact.withdrawn"),
  );
}
