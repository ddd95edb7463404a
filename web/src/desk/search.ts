/** Patients by number, name, card or the hospital's own id; click to dial; who does not want to be called. */

import { html, nothing, type TemplateResult } from "lit";
import { get, post, type Page } from "../shared/api";
import type { Desk } from "./model";
import type { PatientDetail, PatientSummary } from "./types";
import { coded, t } from "./words";

type By = "number" | "name_prefix" | "card_number" | "external_id";

const state: { found: PatientSummary[] | null; open: PatientDetail | null; more: boolean } = { found: null, open: null, more: false };
const LIMIT = 20;

export function searchCard(desk: Desk): TemplateResult {
  return html`
    <section class="card" aria-labelledby="search-title" data-test="search">
      <h2 id="search-title">${t("search.title")}</h2>
      <form class="row search-form" role="search" @submit=${(event: SubmitEvent) => search(desk, event)}>
        <label for="search-by" class="unseen">${t("search.by")}</label>
        <select id="search-by" name="by">
          ${(["number", "name_prefix", "card_number", "external_id"] as const).map((by) => html`<option value=${by}>${t(`search.${by}`)}</option>`)}
        </select>
        <label for="search-text" class="unseen">${t("search.text")}</label>
        <input id="search-text" name="text" required maxlength="60" autocomplete="off" />
        <button type="submit" ?disabled=${desk.busy.has("search")}>${t("search")}</button>
      </form>
      ${results(desk)}
    </section>
  `;
}

function search(desk: Desk, event: SubmitEvent): void {
  event.preventDefault();
  const form = new FormData(event.currentTarget as HTMLFormElement);
  const by = String(form.get("by")) as By;
  void desk.act("search", async () => {
    const page = await post<Page<PatientSummary>>("/patients/search", { [by]: String(form.get("text")).trim(), limit: LIMIT });
    Object.assign(state, { found: page.items, open: null, more: page.next_cursor !== null });
  });
}

function results(desk: Desk): TemplateResult | typeof nothing {
  if (state.found === null) return nothing;
  if (state.found.length === 0) return html`<p class="soft" data-test="search-none">${t("search.nobody")}</p>`;
  return html`
    <ul class="lines found" data-test="search-results">
      ${state.found.map(
        (one) => html`
          <li>
            <button type="button" class="quiet" aria-expanded=${state.open?.id === one.id} @click=${() => openPatient(desk, one)}>${one.name}</button>
            <span class="soft numbers">${one.external_id}</span> <span class="soft">${coded("sex", one.sex ?? "unknown")} ${one.birth_date ?? ""}</span>
            ${one.vip_grade ? html`<span class="tag vip">VIP</span>` : nothing} ${one.deceased ? html`<span class="tag bad">${t("pop.deceased")}</span>` : nothing}
            ${state.open?.id === one.id ? detail(desk, state.open) : nothing}
          </li>
        `,
      )}
    </ul>
    ${state.more ? html`<p class="soft">${t("search.more")}</p>` : nothing}
  `;
}

function openPatient(desk: Desk, one: PatientSummary): void {
  if (state.open?.id === one.id) {
    state.open = null;
    desk.changed();
    return;
  }
  void desk.act("patient-detail", async () => {
    state.open = await get<PatientDetail>(`/patients/${one.id}`);
  });
}

function detail(desk: Desk, open: PatientDetail): TemplateResult {
  return html`
    <div class="detail stack" data-test="patient-detail">
      ${open.numbers.map(
        (number) => html`
          <div class="row">
            <span class="numbers">${number.e164}</span> <span class="soft">${coded("relation", number.relation)}</span>
            <button type="button" data-test="call-number" ?disabled=${!desk.canTakeCalls || desk.isOnCall || open.deceased} @click=${() => void desk.dial(number.e164)}>${t("do.dial")}</button>
            <button type="button" class="quiet" data-test="do-not-call" @click=${() => doNotCall(desk, number.e164)}>${t("dnc.add")}</button>
          </div>
        `,
      )}
      ${desk.pop !== null && desk.pop.patient?.id !== open.id
        ? html`<div><button type="button" @click=${() => void desk.choosePatient(open.id)}>${t("search.about")}</button></div>`
        : nothing}
    </div>
  `;
}

function doNotCall(desk: Desk, number: string): void {
  const dialog = document.querySelector<HTMLDialogElement>("#do-not-call");
  const form = dialog?.querySelector("form");
  if (!dialog || !form) return;
  form.reset();
  form.querySelector("output")!.value = number;
  dialog.showModal();
  dialog.onclose = () => {
    const reason = String(new FormData(form).get("reason") ?? "").trim();
    if (dialog.returnValue !== "save" || reason === "") return;
    void desk
      .act("do-not-call", async () => {
        await post("/do-not-call", { number, reason, ...(desk.pop === null ? {} : { call_id: desk.pop.call_id }) });
      })
      .then((done) => done && desk.notice("good", t("dnc.added")));
  };
}

/** One dialog of the page: why the patient does not want to be called. */
export function doNotCallDialog(): TemplateResult {
  return html`
    <dialog id="do-not-call" aria-labelledby="dnc-title">
      <form method="dialog" class="stack">
        <h2 id="dnc-title">${t("dnc.title")}</h2>
        <output class="numbers"></output>
        <label for="dnc-reason">${t("dnc.reason")}</label>
        <input id="dnc-reason" name="reason" required maxlength="200" autofocus />
        <div class="row">
          <button class="primary" type="submit" value="save">${t("dnc.add")}</button>
          <button type="submit" value="" formnovalidate>${t("cancel")}</button>
        </div>
      </form>
    </dialog>
  `;
}
