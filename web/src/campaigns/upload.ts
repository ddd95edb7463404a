/** Contacts from a file: sent with progress; while the server reads it, how far it is is asked for, and it can be stopped. */

import { html, nothing, type TemplateResult } from "lit";
import { API, blob, get, headers, post, problem, Problem, words } from "../shared/api";
import { language } from "../shared/i18n";
import type { Store } from "./store";
import type { Campaign } from "./types";
import { coded, t } from "./words";

const LOOK_MILLISECONDS = 1000;
const PROBLEMS_SHOWN = 10;

/** As POST /campaigns/{id}/contacts/import answers when the file is read, and /campaigns/{id}/imports meanwhile. `added + existing + rejected` are the rows that were read. */
interface Import {
  id: string;
  state: "running" | "finished" | "cancelled" | "failed";
  reason: string | null;
  rows_total: number | null;
  rows: number;
  added: number;
  existing: number;
  rejected: number;
  problems?: BadRow[];
}

export interface BadRow {
  line: number;
  column: string;
  text_zh: string;
  text_en: string;
}

interface Upload {
  campaign: string;
  file: string;
  /** Share of the file that is sent; 1: it is with the server. */
  sent: number;
  import: Import | null;
  error: string;
  over: boolean;
}

let upload: Upload | null = null;

/** A card that takes a file; `state`: what became of the last one. */
export function fileCard(test: string, hint: string, going: boolean, read: (file: File) => Promise<unknown>, state: unknown): TemplateResult {
  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const file = (form.elements.namedItem("file") as HTMLInputElement).files?.[0];
    if (file !== undefined) void read(file).then(() => form.reset());
  };
  return html`
    <section class="card" aria-labelledby="upload-title">
      <h2 id="upload-title">${t("upload.title")}</h2>
      <p class="soft small">${hint}</p>
      <form class="stack" data-test=${test} @submit=${send}>
        <label class="field">${t("upload.file")} <input type="file" name="file" accept=".csv,.xlsx" required ?disabled=${going} /></label>
        <div class="row"><button type="submit" data-test="send" ?disabled=${going}>${going ? t("upload.going") : t("upload.send")}</button></div>
      </form>
      <div role="status" class="stack" data-test="upload-state">${state}</div>
    </section>
  `;
}

/** Some of the rows that were refused, each with why. */
export function badRows(problems: readonly BadRow[]): TemplateResult {
  return html`<ul class="small">${problems.slice(0, PROBLEMS_SHOWN).map((one) => html`<li><span class="numbers">${t("upload.line", { line: one.line })}</span> <code>${one.column}</code> ${language() === "en" ? one.text_en : one.text_zh}</li>`)}</ul>`;
}

export function uploadForm(store: Store, campaign: Campaign): TemplateResult {
  const shown = upload?.campaign === campaign.id ? upload : null;
  const going = shown !== null && !shown.over;
  return fileCard("upload", t("upload.hint"), going, (file) => run(store, campaign, file), shown === null ? nothing : state(store, shown));
}

function state(store: Store, shown: Upload): TemplateResult {
  const { import: read, sent, error } = shown;
  if (error !== "") return html`<p class="error">${shown.file}${t("colon")}${error}</p>`;
  if (read === null) return html`<progress max="1" .value=${sent} aria-label=${t("upload.sending")}></progress><p class="soft small numbers">${sent < 1 ? t("upload.sent", { percent: Math.round(100 * sent) }) : t("upload.reading")}</p>`;
  const counts = t("upload.counts", { rows: read.rows, added: read.added, existing: read.existing, rejected: read.rejected });
  const path = `/campaigns/${shown.campaign}/imports/${read.id}`;
  if (read.state === "running") {
    const stop = (): void => void store.act("stop", () => post(`${path}/cancel`));
    return html`
      <progress max=${read.rows_total ?? nothing} .value=${read.rows_total === null ? nothing : read.rows} aria-label=${t("upload.reading")}></progress>
      <div class="row between"><span class="soft small numbers">${counts}</span><button type="button" class="small-button" data-test="stop" ?disabled=${store.busy.has("stop")} @click=${stop}>${t("upload.stop")}</button></div>
    `;
  }
  return html`
    <p class=${read.state === "finished" ? "good-ink" : "warn-ink"}><strong>${coded("upload.state", read.state)}</strong>${t("colon")}<span class="numbers">${counts}</span></p>
    ${badRows(read.problems ?? [])}
    ${read.rejected === 0 ? nothing : html`<div class="row"><button type="button" class="small-button" data-test="rejects" ?disabled=${store.busy.has("rejects")} @click=${() => void keepRejects(store, path)}>${t("upload.rejects")}</button></div>`}
  `;
}

async function keepRejects(store: Store, path: string): Promise<void> {
  await store.act("rejects", async () => {
    const url = URL.createObjectURL(await blob(`${path}/rejects.csv`));
    const link = document.createElement("a");
    link.href = url;
    link.download = "rejects.csv";
    link.click();
    URL.revokeObjectURL(url);
  });
}

async function run(store: Store, campaign: Campaign, file: File): Promise<void> {
  const now: Upload = { campaign: campaign.id, file: file.name, sent: 0, import: null, error: "", over: false };
  upload = now;
  store.changed();
  try {
    const answer = sendFile<Import>(`/campaigns/${campaign.id}/contacts/import`, file, (share) => {
      now.sent = share;
      store.changed();
    });
    void watch(store, now);
    now.import = await answer;
  } catch (error) {
    const absent = error instanceof Problem && (error.status === 405 || error.code === "not-found");
    now.error = absent ? t("upload.absent") : words(error);
  }
  now.over = true;
  await store.act("contacts", () => store.contactsChanged());
}

/** How far the server is, until it has answered; of that alone no error is told: the answer tells it. */
async function watch(store: Store, now: Upload): Promise<void> {
  while (!now.over) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    if (now.over) return;
    const found = await get<Import[]>(`/campaigns/${now.campaign}/imports`).catch((error: unknown) => {
      if (error instanceof Problem) return [];
      throw error;
    });
    if (now.over) return;
    now.import = found.find((one) => one.state === "running") ?? now.import;
    store.changed();
  }
}

/** fetch does not tell how much is sent; this does. */
export function sendFile<Answer>(path: string, file: File, sent: (share: number) => void): Promise<Answer> {
  const body = new FormData();
  body.append("file", file);
  const request = new XMLHttpRequest();
  request.open("POST", API + path);
  for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
  request.upload.onprogress = ({ loaded, total }) => sent(total === 0 ? 0 : Math.min(loaded / total, 1));
  request.upload.onload = () => sent(1);
  return new Promise((resolve, reject) => {
    request.onerror = () => reject(new Problem(0, "network", t("problem.network")));
    request.onload = () => {
      const type = request.getResponseHeader("Content-Type") ?? "";
      const answer = new Response(request.responseText, { status: request.status, headers: { "Content-Type": type } });
      if (answer.ok) answer.json().then(resolve, reject);
      else problem(answer).then(reject, reject);
    };
    request.send(body);
  });
}
