/** Whom no campaign calls: looked up, put on the list, taken off it; and files of them. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { get, post, Problem, words, type Page } from "../shared/api";
import { closeDialog, openDialog } from "../shared/dialog";
import { when } from "../shared/i18n";
import { moreButton } from "./more";
import type { Store } from "./store";
import type { DoNotCallEntry, Patient, Whom } from "./types";
import { badRows, fileCard, sendFile, type BadRow } from "./upload";
import { t } from "./words";

/** As POST /do-not-call/import answers. */
interface Import {
  rows: number;
  added: number;
  listed: number;
  rejected: number;
  problems: BadRow[];
}

/** `sent`: share of the file; 1: it is with the server. */
interface Upload {
  file: string;
  sent: number;
  read: Import | null;
  error: string;
}

let upload: Upload | null = null;
/** Patients of the list who were asked for, by id. */
const shown = new Map<string, Patient>();

export function doNotCallView(store: Store): TemplateResult {
  return html`
    <section class="card" aria-labelledby="dnc-title">
      <p class="back"><a href="#/">← ${t("list.title")}</a></p>
      <h1 id="dnc-title">${t("dnc.title")}</h1>
      <p class="soft small">${t("dnc.hint")}</p>
      ${search(store)} ${table(store)}
    </section>
    ${store.keepsUnwilling ? fileCard("dnc-file", t("dnc.file_hint"), store.busy.has("file"), (file) => store.act("file", () => run(store, file)), upload === null ? nothing : told(upload)) : nothing}
  `;
}

function search(store: Store): TemplateResult {
  const look = (event: SubmitEvent): void => {
    event.preventDefault();
    const asked = new FormData(event.currentTarget as HTMLFormElement);
    const text = String(asked.get("text")).trim();
    void store.act("look", async () => store.lookUp(text === "" ? null : asked.get("by") === "patient" ? { patient: await patientOf(text) } : { number: text }));
  };
  const all = (event: Event): void => {
    (event.currentTarget as HTMLButtonElement).form?.reset();
    void store.act("look", () => store.lookUp(null));
  };
  return html`
    <form class="row look-up" role="search" data-test="look-up" @submit=${look}>
      <select name="by" aria-label=${t("dnc.by")}>
        <option value="number">${t("dnc.by.number")}</option>
        ${store.keepsUnwilling ? html`<option value="patient">${t("dnc.by.patient")}</option>` : nothing}
      </select>
      <input name="text" type="search" maxlength="60" autocomplete="off" aria-label=${t("dnc.who")} />
      <button type="submit" ?disabled=${store.busy.has("look")}>${t("dnc.look")}</button>
      ${store.whom === null ? nothing : html`<button type="button" class="quiet" @click=${all}>${t("dnc.all")}</button>`}
    </form>
  `;
}

/** Raises Problem, if no patient has this number of the hospital's. */
async function patientOf(externalId: string): Promise<Patient> {
  const [found] = (await post<Page<Patient>>("/patients/search", { external_id: externalId, limit: 1 })).items;
  if (found === undefined) throw new Problem(404, "patient-not-found", t("dnc.no_patient"));
  shown.set(found.id, found);
  return found;
}

function table(store: Store): TemplateResult {
  const { entries, whom } = store;
  if (entries === null) return html`<p class="soft">${t("loading")}</p>`;
  if (entries.length === 0) return whom === null ? html`<p class="soft empty" data-test="nobody">${t("dnc.none")}</p>` : notListed(store, whom);
  return html`
    <div class="scroll" tabindex="0" role="region" aria-labelledby="dnc-title">
      <table class="list" data-test="entries">
        <thead>
          <tr>
            <th scope="col">${t("dnc.who")}</th><th scope="col" class="wide-cell">${t("dnc.reason")}</th><th scope="col">${t("dnc.added")}</th><th scope="col">${t("dnc.until")}</th>
            ${store.keepsUnwilling ? html`<th scope="col"><span class="unseen">${t("column.actions")}</span></th>` : nothing}
          </tr>
        </thead>
        <tbody>${repeat(entries, (one) => one.id, (one) => row(store, one))}</tbody>
      </table>
    </div>
    ${moreButton(store, "look", store.nextEntries, (cursor) => store.lookUp(whom, cursor))}
  `;
}

function row(store: Store, entry: DoNotCallEntry): TemplateResult {
  return html`
    <tr>
      <td>${entry.patient_id === null ? html`<span class="numbers">${entry.number}</span>` : person(store, entry.patient_id)}</td>
      <td class="wide-cell" data-label=${t("dnc.reason")}>${entry.reason}</td>
      <td data-label=${t("dnc.added")}><time datetime=${entry.added_at}>${when(entry.added_at)}</time><small class="soft">${entry.added_by}</small></td>
      <td data-label=${t("dnc.until")}>${entry.until === null ? t("dnc.for_good") : html`<time datetime=${entry.until}>${when(entry.until)}</time>`}</td>
      ${store.keepsUnwilling ? html`<td><button type="button" class="small-button" data-test="take-off" @click=${() => takeOff(store, entry)}>${t("dnc.remove")}</button></td>` : nothing}
    </tr>
  `;
}

/** Who it is stands there when it was asked for: each look at a patient is on record. */
function person(store: Store, id: string): TemplateResult {
  const found = shown.get(id);
  const show = (): void => void store.act("patient", async () => void shown.set(id, await get<Patient>(`/patients/${id}`)));
  if (found !== undefined) return html`${found.name}<small class="soft">${found.external_id} · ${t("dnc.patient")}</small>`;
  return html`${t("dnc.patient")} ${store.keepsUnwilling ? html`<button type="button" class="small-button" data-test="who" @click=${show}>${t("dnc.show")}</button>` : nothing}`;
}

function notListed(store: Store, whom: Whom): TemplateResult {
  const [path, body] = "number" in whom ? ["/do-not-call", { number: whom.number }] : [`/patients/${whom.patient.id}/do-not-call`, {}];
  const add = (event: SubmitEvent): void => {
    event.preventDefault();
    const reason = new FormData(event.currentTarget as HTMLFormElement).get("reason");
    void store.act(
      "add",
      async () => {
        await post(path, { ...body, reason });
        await store.lookUp(whom);
      },
      t("dnc.added_now"),
    );
  };
  return html`
    <form class="row look-up" data-test="add" @submit=${add}>
      <span class="strong">${t("dnc.not_listed", { whom: "number" in whom ? whom.number : whom.patient.name })}</span>
      <label class="inline-field">${t("dnc.reason")} <input name="reason" required maxlength="500" autocomplete="off" /></label>
      <button class="primary" type="submit" ?disabled=${store.busy.has("add")}>${t("dnc.add")}</button>
    </form>
  `;
}

function takeOff(store: Store, entry: DoNotCallEntry): void {
  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    const reason = new FormData(event.currentTarget as HTMLFormElement).get("reason");
    void store.act(
      "remove",
      async () => {
        await post(`/do-not-call/${entry.id}/remove`, { reason });
        closeDialog();
        await store.lookUp(store.whom);
      },
      t("dnc.removed"),
    );
  };
  openDialog(() => ({
    title: t("dnc.remove_title"),
    body: html`
      <form class="stack" @submit=${send}>
        <label class="field">${t("dnc.reason")} <input name="reason" required maxlength="500" autocomplete="off" /></label>
        <div class="row"><button class="primary" type="submit" data-test="take-off-yes" ?disabled=${store.busy.has("remove")}>${t("dnc.remove")}</button></div>
      </form>
    `,
  }));
}

function told({ file, sent, read, error }: Upload): TemplateResult {
  if (error !== "") return html`<p class="error">${file}${t("colon")}${error}</p>`;
  if (read === null) return html`<progress max="1" .value=${sent} aria-label=${t("upload.sending")}></progress>`;
  const counts = t("dnc.counts", { rows: read.rows, added: read.added, listed: read.listed, rejected: read.rejected });
  return html`
    <p class="good-ink"><strong>${t("dnc.file_done")}</strong>${t("colon")}<span class="numbers">${counts}</span></p>
    ${badRows(read.problems)}
  `;
}

async function run(store: Store, file: File): Promise<void> {
  const now: Upload = { file: file.name, sent: 0, read: null, error: "" };
  upload = now;
  store.changed();
  try {
    now.read = await sendFile<Import>("/do-not-call/import", file, (share) => {
      now.sent = share;
      store.changed();
    });
    await store.lookUp(null);
  } catch (error) {
    now.error = words(error);
  }
}
