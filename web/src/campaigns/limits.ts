/** What all campaigns together keep to, for every person: the governor's limits. */

import { html, type TemplateResult } from "lit";
import { Problem, put } from "../shared/api";
import { textField, type Form } from "./fields";
import type { Store } from "./store";
import { LIMITS, type Limits } from "./types";
import { faultWords } from "./wizard";
import { t } from "./words";

let draft: Record<string, string> = {};
let of: Limits | null = null;
const form: Form = { faults: new Map(), changed: () => undefined };

export function limitsView(store: Store): TemplateResult {
  const { limits } = store;
  if (limits === null) return html`<p class="soft">${t("loading")}</p>`;
  if (of !== limits) {
    of = limits;
    draft = Object.fromEntries(LIMITS.map(({ name }) => [name, String(limits[name])]));
  }
  form.changed = (pointer) => {
    form.faults.delete(pointer);
    store.changed();
  };
  return html`
    <section class="card" aria-labelledby="limits-title">
      <p class="back"><a href="#/">← ${t("list.title")}</a></p>
      <h1 id="limits-title">${t("limits.title")}</h1>
      <p class="soft small">${t("limits.hint")}</p>
      <form class="stack" @submit=${(event: Event) => save(store, event)}>
        <div class="fields">
          ${LIMITS.map(({ name, min, max, step }) => textField(form, `/${name}`, t(`limits.${name}`), draft[name] ?? "", (value) => (draft[name] = value), { type: "number", min, max, step, disabled: !store.isAdmin }))}
        </div>
        ${store.isAdmin ? html`<div class="row"><button class="primary" type="submit" data-test="save-limits" ?disabled=${store.busy.has("limits")}>${t("save")}</button></div>` : html`<p class="soft small">${t("limits.admin")}</p>`}
      </form>
    </section>
  `;
}

function save(store: Store, event: Event): void {
  event.preventDefault();
  const body = Object.fromEntries(LIMITS.map(({ name }) => [name, draft[name]?.trim() === "" ? null : Number(draft[name])]));
  void store.act(
    "limits",
    async () => {
      form.faults.clear();
      try {
        store.limits = await put<Limits>("/campaigns/limits", body);
      } catch (error) {
        if (error instanceof Problem) form.faults = new Map(error.fields.map(({ pointer, reason }) => [pointer, faultWords(reason)]));
        throw error;
      }
    },
    t("limits.saved"),
  );
}
