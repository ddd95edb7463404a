/** Who waits and who is in a menu; a waiting caller can be moved, a call ended. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { post } from "../shared/api";
import { duration, label } from "../shared/i18n";
import { seconds, type Board } from "./board";
import { ask, closeDialog, openDialog } from "../shared/dialog";
import type { MenuRow, WaitingRow } from "./types";
import { t } from "./words";

export function waitingCard(board: Board): TemplateResult {
  const waiting = board
    .rows("waiting")
    .sort((a, b) => a.queue.localeCompare(b.queue) || b.priority - a.priority || a.joined_at.localeCompare(b.joined_at));
  return html`
    <section class="card" aria-labelledby="waiting-title" data-test="waiting">
      <h2 id="waiting-title">${t("waiting.title")} <span class="tag">${waiting.length}</span></h2>
      ${waiting.length === 0
        ? html`<p class="soft">${t("waiting.none")}</p>`
        : html`
            <div class="scroll tall">
              <table>
                <thead><tr><th>${t("caller")}</th><th>${t("queue")}</th><th class="number">${t("since")}</th><th></th></tr></thead>
                <tbody>
                  ${repeat(
                    waiting,
                    (one) => one.uniqueid,
                    (one) => html`
                      <tr class=${tone(board, one)} data-caller=${one.uniqueid}>
                        <td>${who(one)} ${one.is_callback ? html`<span class="tag">${t("callback")}</span>` : nothing}</td>
                        <td>${board.queueLabel(one.queue)}</td>
                        <td class="number">${duration(seconds(one.joined_at))}</td>
                        <td class="number"><button type="button" class="small-button" data-test="waiting-actions" @click=${() => waitingActions(board, one.uniqueid)}>${t("actions")}</button></td>
                      </tr>
                    `,
                  )}
                </tbody>
              </table>
            </div>
          `}
    </section>
  `;
}

function tone(board: Board, one: WaitingRow): string {
  const promised = board.tables.queues.get(one.queue)?.service_level_seconds;
  return promised !== undefined && seconds(one.joined_at) > promised ? "late" : "";
}

function who(one: WaitingRow | MenuRow): TemplateResult {
  return html`
    ${one.name ?? t("unknown")} <span class="soft numbers">${one.number ?? ""}</span>
    ${one.vip_grade === null ? nothing : html`<span class="tag vip">VIP ${one.vip_grade}</span>`}
    ${one.verified ? html`<span class="tag good">${t("verified")}</span>` : nothing}
  `;
}

function waitingActions(board: Board, uniqueid: string): void {
  openDialog(() => {
    const one = board.tables.waiting.get(uniqueid);
    if (one === undefined) return { title: t("waiting.title"), body: html`<p>${t("waiting.gone")}</p>` };
    const move = (event: SubmitEvent): void => {
      event.preventDefault();
      const queue = String(new FormData(event.currentTarget as HTMLFormElement).get("queue"));
      closeDialog();
      const done = t("moved", { queue: board.queueLabel(queue) });
      void board.command(`caller ${uniqueid}`, () => post(`/supervision/waiting/${uniqueid}/move`, { queue }), done);
    };
    const toFront = (): void => {
      closeDialog();
      void board.command(`caller ${uniqueid}`, () => post(`/supervision/waiting/${uniqueid}/front`), t("at_front"));
    };
    return {
      title: `${one.name ?? t("unknown")} ${one.number ?? ""}`,
      body: html`
        <p class="soft">${board.queueLabel(one.queue)} · ${duration(seconds(one.joined_at))}</p>
        <div class="row"><button type="button" data-test="to-front" @click=${toFront}>${t("to_front")}</button></div>
        <form class="row" @submit=${move}>
          <label for="move-to" class="unseen">${t("move_to")}</label>
          <select id="move-to" name="queue" class="inline" required>
            <option value="">${t("move_to")}</option>
            ${board.rows("queues").filter((queue) => queue.name !== one.queue).map((queue) => html`<option value=${queue.name}>${label(queue)}</option>`)}
          </select>
          <button type="submit" data-test="move">${t("move")}</button>
        </form>
        <div class="row"><button type="button" class="danger" data-test="hang-up" @click=${() => void hangUp(board, uniqueid)}>${t("hang_up")}</button></div>
      `,
    };
  });
}

export async function hangUp(board: Board, callId: string): Promise<void> {
  if (!(await ask(t("hang_up.sure"), t("hang_up")))) return;
  closeDialog();
  await board.command(`call ${callId}`, () => post(`/supervision/calls/${callId}/hang-up`), t("hung_up"));
}

export function menusCard(board: Board): TemplateResult {
  const menus = board.rows("menus").sort((a, b) => a.started_at.localeCompare(b.started_at));
  return html`
    <section class="card" aria-labelledby="menus-title" data-test="menus">
      <h2 id="menus-title">${t("menus.title")} <span class="tag">${menus.length}</span></h2>
      ${menus.length === 0
        ? html`<p class="soft">${t("menus.none")}</p>`
        : html`
            <div class="scroll tall">
              <table>
                <thead><tr><th>${t("caller")}</th><th>${t("flow")}</th><th class="number">${t("since")}</th></tr></thead>
                <tbody>
                  ${repeat(
                    menus,
                    (one) => one.call_id,
                    (one) => html`
                      <tr data-call=${one.call_id}>
                        <td>${who(one)}</td>
                        <td>${one.flow ?? "–"}${one.step === null ? nothing : html` <span class="soft">${one.step}</span>`}</td>
                        <td class="number">${duration(seconds(one.started_at))}</td>
                      </tr>
                    `,
                  )}
                </tbody>
              </table>
            </div>
          `}
    </section>
  `;
}
