/** Calls out that the agent decides on: who is next, then dial or skip with a reason. */

import { html, nothing, type TemplateResult } from "lit";
import { get, post } from "../shared/api";
import { clock } from "../shared/i18n";
import type { Desk } from "./model";
import { called } from "./pop";
import type { CalledContact } from "./types";
import { coded, t } from "./words";

interface Offer {
  call_id: string;
  until: string;
  number_masked: string;
  campaign: CalledContact;
}

interface Preview {
  has_campaigns: boolean;
  offer: Offer | null;
}

const REASONS = ["later", "done_otherwise", "not_suitable"] as const;
let preview: Preview = { has_campaigns: false, offer: null };
let isEmpty = false;

/** Which campaigns run changes without the desk being told: asked from time to time. */
export async function loadPreview(desk: Desk): Promise<void> {
  const [found] = await Promise.allSettled([get<Preview>("/agents/me/preview")]);
  if (found.status === "fulfilled") preview = found.value;
  desk.changed();
}

export function previewCard(desk: Desk): TemplateResult | typeof nothing {
  if (!preview.has_campaigns && preview.offer === null) return nothing;
  return html`
    <section class="card stack" aria-labelledby="preview-title" aria-live="polite" data-test="preview">
      <h2 id="preview-title">${t("preview.title")}</h2>
      ${preview.offer === null ? next(desk) : offered(desk, preview.offer)}
    </section>
  `;
}

function next(desk: Desk): TemplateResult {
  return html`
    ${isEmpty ? html`<p class="soft" data-test="preview-empty">${t("preview.nobody")}</p>` : nothing}
    <div class="row">
      <button class="primary" type="button" data-test="preview-next" ?disabled=${desk.isOnCall || desk.busy.has("preview")} @click=${() => void ask(desk)}>
        ${t("preview.next")}
      </button>
    </div>
  `;
}

function offered(desk: Desk, offer: Offer): TemplateResult {
  const busy = desk.busy.has("preview");
  return html`
    ${called(offer.campaign)}
    <p class="soft"><span class="numbers" data-test="preview-number">${offer.number_masked}</span> · ${t("preview.until", { time: clock(offer.until) })}</p>
    <div class="row">
      <button class="primary" type="button" data-test="preview-dial" ?disabled=${busy || desk.isOnCall} @click=${() => void dial(desk)}>${t("preview.dial")}</button>
      ${REASONS.map(
        (reason) =>
          html`<button type="button" data-test="preview-skip-${reason}" ?disabled=${busy} @click=${() => void skip(desk, reason)}>${coded("skip", reason)}</button>`,
      )}
    </div>
  `;
}

async function ask(desk: Desk): Promise<void> {
  await desk.act("preview", async () => {
    preview = await post<Preview>("/agents/me/preview", {});
    isEmpty = preview.offer === null;
  });
}

async function dial(desk: Desk): Promise<void> {
  const done = await desk.act("preview", async () => {
    await post("/agents/me/preview/dial", {});
    preview = { ...preview, offer: null };
  });
  if (done && desk.inBrowser) desk.phone.expectOwnCall();
  if (!done) await loadPreview(desk);
}

async function skip(desk: Desk, reason: (typeof REASONS)[number]): Promise<void> {
  const done = await desk.act("preview", async () => {
    await post("/agents/me/preview/skip", { reason });
    preview = { ...preview, offer: null };
  });
  if (!done) await loadPreview(desk);
}
