/** What stands in the top bar: what the agent does now and since when, and the buttons of what they want. */

import { html, nothing, type TemplateResult } from "lit";
import { post } from "../shared/api";
import { duration, label } from "../shared/i18n";
import type { Desk } from "./model";
import { coded, t } from "./words";

export function stateBar(desk: Desk): TemplateResult | typeof nothing {
  const state = desk.state;
  if (state === null) return nothing;
  const { words, since, tone } = shownState(desk);
  const isAvailable = state.wanted === "available";
  return html`
    <span class="state ${tone}" data-test="state" role="status">
      <strong>${words}</strong>
      <time class="numbers" aria-hidden="true" data-test="state-timer">${duration((Date.now() - Date.parse(since)) / 1000)}</time>
    </span>
    ${state.wanted === "logged_out"
      ? seatChoice(desk)
      : html`
          <button
            type="button"
            class=${isAvailable ? "" : "primary"}
            aria-pressed=${isAvailable}
            aria-keyshortcuts="F9"
            data-test="available"
            ?disabled=${desk.busy.has("state") || (!isAvailable && !desk.canTakeCalls)}
            title=${desk.canTakeCalls ? "" : t("available.no_telephone")}
            @click=${() => void desk.want("available")}
          >
            ${t("want.available")} <kbd>F9</kbd>
          </button>
          ${pauseButtons(desk)} ${state.activity === "wrap_up" ? endWrapUp(desk) : nothing}
          <button type="button" class="quiet" data-test="leave" ?disabled=${desk.busy.has("state") || desk.isOnCall} @click=${() => void desk.want("logged_out")}>
            ${t("want.logged_out")}
          </button>
        `}
  `;
}

/** Done with the call's writing before the time is over. */
function endWrapUp(desk: Desk): TemplateResult {
  const end = (): void => {
    void desk.act("wrap-up", async () => {
      await desk.saveNote();
      await post("/agents/me/wrap-up/end");
    });
  };
  return html`<button type="button" data-test="end-wrap-up" ?disabled=${desk.busy.has("wrap-up")} @click=${end}>${t("wrap_up.end")}</button>`;
}

function pauseButtons(desk: Desk): TemplateResult {
  const now = desk.state?.wanted === "paused" ? desk.state.pause_reason : null;
  return html`
    <span class="pauses" role="group" aria-label=${t("want.pause")}>
      ${desk.reasons
        .filter((reason) => reason.active)
        .map(
          (reason) => html`
            <button
              type="button"
              aria-pressed=${reason.code === now}
              data-test="pause-${reason.code}"
              ?disabled=${desk.busy.has("state")}
              @click=${() => void desk.want("paused", { reason: reason.code })}
            >
              ${label(reason)}
            </button>
          `,
        )}
    </span>
  `;
}

function seatChoice(desk: Desk): TemplateResult {
  const take = (event: SubmitEvent): void => {
    event.preventDefault();
    const seat = String(new FormData(event.currentTarget as HTMLFormElement).get("seat") ?? "");
    if (seat !== "") void desk.want("paused", { seat });
  };
  return html`
    <form class="row seat-choice" @submit=${take}>
      <label for="seat" class="unseen">${t("seat")}</label>
      <select id="seat" name="seat" required data-test="seat">
        <option value="">${t("seat.choose")}</option>
        ${desk.seats.map(
          (seat) => html`<option value=${seat.name}>${seat.label} · ${t(`seat.kind.${seat.kind}`)}</option>`,
        )}
      </select>
      <button class="primary" type="submit" data-test="sit-down" ?disabled=${desk.busy.has("state")}>${t("seat.take")}</button>
    </form>
  `;
}

function shownState(desk: Desk): { words: string; since: string; tone: string } {
  const state = desk.state;
  if (state === null) return { words: "", since: "", tone: "" };
  if (desk.phone.call?.state === "ringing" && state.activity === "idle") {
    return { words: t("activity.ringing"), since: new Date().toISOString(), tone: "busy" };
  }
  if (state.activity !== "idle") {
    const tone = state.activity === "wrap_up" ? "warn" : "busy";
    return { words: t(`activity.${state.activity}`), since: state.activity_since, tone };
  }
  const reason = desk.reasons.find((one) => one.code === state.pause_reason);
  const words = reason === undefined ? coded("state", state.wanted) : label(reason);
  const tone = { available: "good", paused: "warn", logged_out: "off" }[state.wanted];
  return { words, since: state.wanted_since, tone };
}
