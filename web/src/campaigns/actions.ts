/** Start, pause, cancel: each asked for twice, since people are called, or are not. */

import { html, nothing, type TemplateResult } from "lit";
import { ask } from "../shared/dialog";
import type { Store } from "./store";
import type { Campaign, State } from "./types";
import { coded, t } from "./words";

const COLOURS: Record<State, string> = { draft: "", running: "good", paused: "warn", finished: "plain", cancelled: "plain" };
const MAY_BECOME: Record<State, State[]> = {
  draft: ["running", "cancelled"],
  running: ["paused", "cancelled"],
  paused: ["running", "cancelled"],
  finished: [],
  cancelled: [],
};

export function stateTag(campaign: Campaign): TemplateResult {
  return html`<span class="tag ${COLOURS[campaign.state]}" data-state=${campaign.state}>${coded("state", campaign.state)}</span>`;
}

export function stateButtons(store: Store, campaign: Campaign, small: boolean): TemplateResult | typeof nothing {
  if (!store.mayChange) return nothing;
  return html`${MAY_BECOME[campaign.state].map((state) => button(store, campaign, state, small))}`;
}

function button(store: Store, campaign: Campaign, state: State, small: boolean): TemplateResult {
  const words = t(state === "running" && campaign.state === "paused" ? "do.resume" : (`do.${state}` as "do.running"));
  const act = async (): Promise<void> => {
    const question = t(`sure.${state}` as "sure.running", { name: campaign.name });
    if (await ask(question, words, { no: t("sure.no"), harmless: state !== "cancelled" })) await store.setState(campaign, state);
  };
  const kind = state === "cancelled" ? "danger" : state === "running" && !small ? "primary" : "";
  return html`<button type="button" class="${kind} ${small ? "small-button" : ""}" data-test="become-${state}" aria-label="${words}: ${campaign.name}" ?disabled=${store.busy.has("state")} @click=${() => void act()}>${words}</button>`;
}
