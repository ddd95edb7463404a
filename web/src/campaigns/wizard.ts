/** A campaign is made, or edited, in four steps; it can be saved at each. Nobody is called before it is started. */

import { html, nothing, type TemplateResult } from "lit";
import { get, post, Problem, put } from "../shared/api";
import { bodyOf, draftOf, lookOver, newDraft, type Draft } from "./draft";
import { faultsAt, type Form } from "./fields";
import { basicsStep, retryStep, textsStep, timesStep } from "./steps";
import type { Store } from "./store";
import type { Campaign, Choices } from "./types";
import { coded, t, wordsOf } from "./words";

const STEPS = {
  basics: { draw: basicsStep, pointers: ["/name", "/kind", "/flow", "/caller_id", "/priority", "/report_to", "/pacing/mode", "/pacing/queue"] },
  texts: { draw: textsStep, pointers: ["/texts", "/channels"] },
  times: { draw: timesStep, pointers: ["/zone", "/starts_at", "/ends_at", "/windows", "/pacing"] },
  retry: { draw: retryStep, pointers: ["/retry"] },
} as const;
type StepName = keyof typeof STEPS;
const NAMES = Object.keys(STEPS) as StepName[];

/** Where a reason of `invalid-campaign` belongs. */
const PLACES: Record<string, string> = { caller_id: "/caller_id", flow: "/flow", zone: "/zone", queue: "/pacing/queue", texts: "/texts", email: "/channels", sms: "/channels", validity: "/ends_at" };

export interface Wizard extends Form {
  draft: Draft;
  choices: Choices;
}

let open: (Wizard & { step: StepName; stale: boolean; dirty: boolean; problem: string }) | null = null;

export function wizardView(store: Store, id: string | null): TemplateResult {
  const { choices, campaign } = store;
  if (choices === null || (id !== null && campaign?.id !== id)) return html`<p class="soft">${t("loading")}</p>`;
  if (open === null || open.draft.id !== id) begin(store, id === null ? newDraft(choices) : draftOf(campaign as Campaign, choices), choices);
  const wizard = open;
  if (wizard === null) return html`${nothing}`;
  const at = NAMES.indexOf(wizard.step);
  return html`
    <form class="wizard" novalidate aria-labelledby="wizard-title" @submit=${(event: SubmitEvent) => void save(store, event)}>
      <div class="row between">
        <h1 id="wizard-title">${id === null ? t("wizard.new") : t("wizard.edit", { name: campaign?.name ?? "" })}</h1>
        <a href=${id === null ? "#/" : `#/${id}`} data-test="leave">${t("wizard.leave")}</a>
      </div>
      ${wizard.stale
        ? html`
            <div class="banner warn" role="alert" data-test="stale">
              <span>${t("wizard.stale")}</span>
              <button type="button" data-test="reload" @click=${() => void reload(store)}>${t("wizard.reload")}</button>
            </div>
          `
        : nothing}
      <p class="error" role="alert" data-test="problem">${wizard.problem || nothing}</p>
      <ol class="steps" aria-label=${t("wizard.steps")}>
        ${NAMES.map((name, index) => {
          const bad = STEPS[name].pointers.some((pointer) => faultsAt(wizard, pointer).length > 0);
          return html`<li><button type="button" class="quiet ${bad ? "bad" : ""}" data-test="step-${name}" aria-current=${name === wizard.step ? "step" : nothing} @click=${() => show(store, name)}><span class="step-number numbers">${index + 1}</span>${t(`step.${name}`)}${bad ? html`<span class="unseen">${t("step.bad")}</span>` : nothing}</button></li>`;
        })}
      </ol>
      ${STEPS[wizard.step].draw(wizard)}
      <div class="row between foot">
        <button type="button" data-test="back" ?disabled=${at === 0} @click=${() => show(store, NAMES[at - 1])}>${t("wizard.back")}</button>
        <div class="row">
          ${at === NAMES.length - 1 ? nothing : html`<button type="button" data-test="next" @click=${() => show(store, NAMES[at + 1])}>${t("wizard.next")}</button>`}
          <button type="submit" class="primary" data-test="save" ?disabled=${store.busy.has("save") || wizard.stale}>${t(id === null ? "wizard.save_draft" : "save")}</button>
        </div>
      </div>
    </form>
  `;
}

function begin(store: Store, draft: Draft, choices: Choices): void {
  open = {
    draft,
    choices,
    faults: new Map(),
    step: "basics",
    stale: false,
    dirty: false,
    problem: "",
    changed: (pointer) => {
      if (open === null) return;
      for (const at of [...open.faults.keys()]) if (at === pointer || at.startsWith(`${pointer}/`)) open.faults.delete(at);
      if (open.faults.size === 0) open.problem = "";
      open.dirty = true;
      store.changed();
    },
  };
}

/** Another place is looked at: what was not saved is gone. */
export function leaveWizard(): void {
  open = null;
}

export function isUnsaved(): boolean {
  return open?.dirty ?? false;
}

function show(store: Store, step: StepName | undefined): void {
  if (open === null || step === undefined) return;
  open.step = step;
  store.changed();
  queueMicrotask(() => document.querySelector<HTMLElement>("#step-title")?.focus());
}

async function save(store: Store, event: SubmitEvent): Promise<void> {
  event.preventDefault();
  const wizard = open;
  if (wizard === null || store.busy.has("save")) return;
  wizard.problem = "";
  wizard.faults.clear();
  for (const [pointer, reason] of lookOver(wizard.draft, wizard.choices)) wizard.faults.set(pointer, coded("fault", reason));
  if (wizard.faults.size > 0) {
    tell(store, t("wizard.faults"));
    return;
  }
  store.busy.add("save");
  store.changed();
  try {
    const { draft, choices } = wizard;
    const body = bodyOf(draft, choices);
    const saved = draft.id === null ? await post<Campaign>("/campaigns", body) : await put<Campaign>(`/campaigns/${draft.id}`, body);
    open = null;
    store.notice("good", t("wizard.saved", { name: saved.name }));
    location.hash = `#/${saved.id}`;
  } catch (error) {
    refused(store, error);
  } finally {
    store.busy.delete("save");
    store.changed();
  }
}

function refused(store: Store, error: unknown): void {
  if (open === null) return;
  if (!(error instanceof Problem)) return tell(store, wordsOf(error));
  if (error.code === "campaign-changed") {
    open.stale = true;
    store.changed();
    return;
  }
  for (const { pointer, reason } of error.fields) open.faults.set(pointer, faultWords(reason));
  if (error.code === "invalid-campaign") open.faults.set(PLACES[String(error.details["reason"])] ?? "", coded("invalid", String(error.details["reason"])));
  if (error.code === "queue-not-found") open.faults.set("/pacing/queue", error.message);
  if (error.code === "wrong-campaign-state") open.faults.set("/texts", error.message);
  tell(store, error.message);
}

export function faultWords(reason: string): string {
  const found = coded("fault", reason);
  return found === reason ? t("fault.other") : found;
}

/** Above the fields, and to the first step in which something is wrong. */
function tell(store: Store, problem: string): void {
  if (open === null) return;
  const { faults } = open;
  open.problem = problem;
  const bad = NAMES.find((name) => STEPS[name].pointers.some((pointer) => [...faults.keys()].some((at) => at === pointer || at.startsWith(`${pointer}/`))));
  if (bad !== undefined) open.step = bad;
  store.changed();
  queueMicrotask(() => (document.querySelector<HTMLElement>('[aria-invalid="true"]') ?? document.querySelector<HTMLElement>("#step-title"))?.focus());
}

/** As somebody else left it; one's own changes are given up. */
async function reload(store: Store): Promise<void> {
  const id = open?.draft.id;
  if (id === undefined || id === null || open === null) return;
  const { step, choices } = open;
  await store.act("load", async () => {
    const campaign = await get<Campaign>(`/campaigns/${id}`);
    store.campaign = campaign;
    begin(store, draftOf(campaign, choices), choices);
    if (open !== null) open.step = step;
  });
}
