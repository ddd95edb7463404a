/** What comes of a call: a work order, a promise to call back, or no calls any more. The agent need not know the number. */

import { html, nothing, type TemplateResult } from "lit";
import { Problem, post } from "../shared/api";
import type { Desk } from "./model";
import { t } from "./words";

const KINDS = ["question", "suggestion", "compliment", "complaint", "task"] as const;
type What = "work-order" | "callback" | "do-not-call";

export function afterButtons(desk: Desk): TemplateResult | typeof nothing {
  if (desk.pop === null) return nothing;
  return html`
    <div class="row after" role="group" aria-label=${t("after.title")}>
      ${(["work-order", "callback", "do-not-call"] as const).map(
        (what) => html`<button type="button" data-test="after-${what}" @click=${() => show(what)}>${t(`after.${what}`)}</button>`,
      )}
    </div>
  `;
}

function show(what: What): void {
  const dialog = document.querySelector<HTMLDialogElement>(`#after-${what}`);
  dialog?.querySelector("form")?.reset();
  dialog?.showModal();
}

/** Dialogs of the page: their texts go on living when the call ends meanwhile. */
export function afterDialogs(desk: Desk): TemplateResult {
  return html`
    ${dialog(desk, "work-order", html`
      <label for="order-kind">${t("order.kind")}</label>
      <select id="order-kind" name="kind">${KINDS.map((kind) => html`<option value=${kind}>${t(`order.${kind}`)}</option>`)}</select>
      <label for="order-request">${t("order.request")}</label>
      <textarea id="order-request" name="request" rows="4" required maxlength="2000"></textarea>
    `)}
    ${dialog(desk, "callback", html`
      <p>${t("callback.text")}</p>
      <label for="callback-at">${t("callback.at")}</label>
      <input id="callback-at" name="not_before" type="datetime-local" />
    `)}
    ${dialog(desk, "do-not-call", html`
      <label for="caller-dnc">${t("dnc.reason")}</label>
      <input id="caller-dnc" name="reason" required maxlength="200" />
      ${desk.pop?.patient ? html`<label class="check"><input type="checkbox" name="person" data-test="dnc-person" /> ${t("dnc.person")}</label>` : nothing}
    `)}
  `;
}

function dialog(desk: Desk, what: What, fields: TemplateResult): TemplateResult {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const entries = Object.fromEntries(new FormData(form).entries()) as Record<string, string>;
    void save(desk, what, entries).then((done) => done && form.closest("dialog")?.close());
  };
  return html`
    <dialog id="after-${what}" aria-labelledby="after-${what}-title">
      <form class="stack" @submit=${submit}>
        <h2 id="after-${what}-title">${t(`after.${what}`)}</h2>
        ${fields}
        <div class="row">
          <button class="primary" type="submit" ?disabled=${desk.busy.has(what)}>${t("save")}</button>
          <button type="button" @click=${(event: Event) => (event.currentTarget as HTMLElement).closest("dialog")?.close()}>${t("cancel")}</button>
        </div>
      </form>
    </dialog>
  `;
}

async function save(desk: Desk, what: What, entries: Record<string, string>): Promise<boolean> {
  const callId = desk.pop?.call_id;
  if (callId === undefined) return true;
  const path = `/agents/me/calls/${callId}/${what === "work-order" ? "work-orders" : what}`;
  const done = await desk.act(what, async () => {
    if (what === "callback") await callBack(desk, path, entries["not_before"] ?? "");
    else if (what === "do-not-call") await post(path, { reason: entries["reason"], person: "person" in entries });
    else await post(path, entries);
  });
  if (done) desk.notice("good", t(`after.${what}.done`));
  return done;
}

async function callBack(desk: Desk, path: string, at: string): Promise<void> {
  const body = at === "" ? {} : { not_before: new Date(at).toISOString() };
  try {
    await post(path, body);
  } catch (error) {
    if (!(error instanceof Problem && error.code === "do-not-call") || !(await desk.confirm())) throw error;
    await post(path, { ...body, do_not_call_confirmed: true });
  }
}
