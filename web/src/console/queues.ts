/** The queues now, and what can be done with one. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { post, put } from "../shared/api";
import { duration, label } from "../shared/i18n";
import { seconds, type Board } from "./board";
import { ask, closeDialog, openDialog } from "../shared/dialog";
import type { Figures, QueueRow } from "./types";
import { coded, t } from "./words";

/** Waiting longer than the queue's own promise is worth a colour. */
const tone = (queue: QueueRow): string =>
  queue.waiting_since !== null && seconds(queue.waiting_since) > queue.service_level_seconds ? "late" : queue.waiting > 0 ? "busy" : "";

export function queuesCard(board: Board): TemplateResult {
  return html`
    <section class="card wide" aria-labelledby="queues-title" data-test="queues">
      <h2 id="queues-title">${t("queues.title")}</h2>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>${t("queue")}</th>
              <th class="number">${t("waiting")}</th>
              <th class="number">${t("longest")}</th>
              <th class="number">${t("expected")}</th>
              <th class="number">${t("agents.counts")}</th>
              <th class="number">${t("level.today")}</th>
              <th class="number">${t("level.30")}</th>
              <th class="number">${t("offered.today")}</th>
              <th class="number">${t("answered.today")}</th>
              <th class="number">${t("abandoned.today")}</th>
              <th><span class="unseen">${t("actions")}</span></th>
            </tr>
          </thead>
          <tbody>
            ${repeat(
              board.rows("queues"),
              (queue) => queue.name,
              (queue) => queueRow(board, queue),
            )}
          </tbody>
        </table>
      </div>
    </section>
  `;
}

function queueRow(board: Board, queue: QueueRow): TemplateResult {
  const { idle, ringing, on_call, wrap_up, paused } = queue.agents;
  return html`
    <tr class=${tone(queue)} data-queue=${queue.name}>
      <td>
        ${label(queue)}
        ${queue.opening === "open" ? nothing : html`<span class="tag warn">${coded("opening", queue.opening)}</span>`}
      </td>
      <td class="number strong">${queue.waiting}</td>
      <td class="number">${queue.waiting_since === null ? "–" : duration(seconds(queue.waiting_since))}</td>
      <td class="number">${queue.expected_wait_seconds === null ? "–" : duration(queue.expected_wait_seconds)}</td>
      <td class="number" title=${t("agents.counts.title", { idle, ringing, on_call, wrap_up, paused })}>
        <span class="good-ink">${idle}</span> / ${ringing + on_call} / ${wrap_up} / <span class="warn-ink">${paused}</span>
      </td>
      <td class="number">${percent(queue.today)}</td>
      <td class="number">${percent(queue.last_30_minutes)}</td>
      <td class="number">${queue.today.offered}</td>
      <td class="number">${queue.today.answered}</td>
      <td class="number">${queue.today.abandoned}</td>
      <td class="number"><button type="button" class="small-button" data-test="queue-actions" @click=${() => queueActions(board, queue.name)}>${t("actions")}</button></td>
    </tr>
  `;
}

export function percent(figures: Figures): string {
  return figures.service_level === null ? "–" : `${Math.round(figures.service_level * 100)} %`;
}

function queueActions(board: Board, name: string): void {
  openDialog(() => {
    const queue = board.tables.queues.get(name);
    if (queue === undefined) return { title: name, body: html`<p>${t("gone")}</p>` };
    const isClosed = queue.opening === "closed_by_supervisor";
    return {
      title: label(queue),
      body: html`
        ${queue.closed_by ? html`<p class="soft">${t("queue.closed_by", { who: queue.closed_by })}</p>` : nothing}
        <div class="row">
          ${isClosed
            ? html`<button type="button" class="primary" data-test="open-queue" @click=${() => void setOpen(board, name, true)}>${t("queue.open")}</button>`
            : html`<button type="button" class="danger" data-test="close-queue" @click=${() => void closeQueue(board, queue)}>${t("queue.close")}</button>`}
        </div>
        ${messageForm(board, { queue: name }, t("message.to_queue", { queue: label(queue) }))}
      `,
    };
  });
}

async function closeQueue(board: Board, queue: QueueRow): Promise<void> {
  if (await ask(t("queue.close.sure", { queue: label(queue) }), t("queue.close"))) await setOpen(board, queue.name, false);
}

async function setOpen(board: Board, name: string, open: boolean): Promise<void> {
  const done = t(open ? "queue.opened" : "queue.closed", { queue: board.queueLabel(name) });
  await board.act(`queue ${name}`, () => put(`/supervision/queues/${name}/opening`, { open }), done);
}

/** `to`: one agent, one queue, or {}: all whom the supervisor steers. */
export function messageForm(board: Board, to: { agent?: string; queue?: string }, title: string): TemplateResult {
  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const text = String(new FormData(form).get("text")).trim();
    void board.act("message", async () => {
      const { recipients } = await post<{ recipients: number }>("/supervision/messages", { ...to, text });
      form.reset();
      closeDialog();
      board.notice("good", t("message.sent", { recipients }));
    });
  };
  return html`
    <form class="stack" @submit=${send}>
      <label for="message-text">${title}</label>
      <textarea id="message-text" name="text" rows="2" maxlength="500" required></textarea>
      <div class="row"><button type="submit" data-test="send-message" ?disabled=${board.busy.has("message")}>${t("message.send")}</button></div>
    </form>
  `;
}
