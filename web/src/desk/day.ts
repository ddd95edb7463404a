/** The agent's own day: figures, and the calls they talked in. Asked for anew when a call has ended, and each minute. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { get, type Page } from "../shared/api";
import { duration, label, when } from "../shared/i18n";
import { hearCall, hearing, isHeard } from "./hearing";
import type { Desk } from "./model";
import type { OwnCall, OwnFigures } from "./types";
import { coded, t } from "./words";

const own: { figures: OwnFigures | null; calls: OwnCall[] } = { figures: null, calls: [] };
const SHOWN_CALLS = 8;

/** Quietly: what cannot be read now is read a minute later. */
export async function loadDay(desk: Desk): Promise<void> {
  const [figures, calls] = await Promise.allSettled([
    get<OwnFigures>("/agents/me/figures"),
    get<Page<OwnCall>>(`/agents/me/calls?limit=${SHOWN_CALLS}`),
  ]);
  if (figures.status === "fulfilled") own.figures = figures.value;
  if (calls.status === "fulfilled") own.calls = calls.value.items;
  desk.changed();
}

export function figuresCard(): TemplateResult {
  const day = own.figures;
  return html`
    <section class="card" aria-labelledby="figures-title" data-test="figures">
      <h2 id="figures-title">${t("figures.title")}</h2>
      ${day === null
        ? html`<p class="soft">${t("loading")}</p>`
        : html`
            <dl class="figures numbers">
              ${figure("figures.answered", String(day.answered))} ${figure("figures.missed", String(day.missed))}
              ${figure("figures.talk", duration(day.talk_seconds))} ${figure("figures.hold", duration(day.hold_seconds))}
              ${figure("figures.wrap_up", duration(day.wrap_up_seconds))}
              ${figure("figures.paused", duration(day.paused.reduce((sum, one) => sum + one.seconds, 0)))}
              ${figure("figures.logged_in", duration(day.logged_in_seconds))}
              ${figure("figures.rating", day.average_rating === null ? "–" : day.average_rating.toFixed(1))}
            </dl>
          `}
    </section>
  `;
}

function figure(name: "figures.answered" | "figures.missed" | "figures.talk" | "figures.hold" | "figures.wrap_up" | "figures.paused" | "figures.logged_in" | "figures.rating", value: string): TemplateResult {
  return html`<div><dt>${t(name)}</dt><dd data-test=${name}>${value}</dd></div>`;
}

export function ownCallsCard(desk: Desk): TemplateResult | typeof nothing {
  if (own.calls.length === 0) return nothing;
  return html`
    <section class="card" aria-labelledby="own-calls-title" data-test="own-calls">
      <h2 id="own-calls-title">${t("own_calls.title")}</h2>
      <table>
        <thead>
          <tr><th>${t("history.at")}</th><th>${t("pop.number")}</th><th>${t("history.queue")}</th><th class="number">${t("history.talk")}</th><th>${t("history.note")}</th><th></th></tr>
        </thead>
        <tbody>
          ${repeat(
            own.calls,
            (call) => call.id,
            (call) => html`
              <tr>
                <td class="nowrap"><time>${when(call.started_at)}</time></td>
                <td class="numbers">${call.caller_number ?? "–"}</td>
                <td class="nowrap">${call.queue_name ? label(desk.queueLabel(call.queue_name)) : coded("direction", call.direction)}</td>
                <td class="number">${duration(call.talk_seconds)}</td>
                <td class="note-cell">${call.note ?? ""}</td>
                <td class="number">
                  <button type="button" class="small-button" data-test="hear" aria-expanded=${isHeard(call.id)} ?disabled=${desk.busy.has("hear")} @click=${() => hearCall(desk, call.id)}>${t("own_calls.hear")}</button>
                </td>
              </tr>
              ${isHeard(call.id) ? html`<tr><td colspan="6">${hearing(call.id)}</td></tr>` : nothing}
            `,
          )}
        </tbody>
      </table>
    </section>
  `;
}
