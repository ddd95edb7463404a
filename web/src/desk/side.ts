/** Beside the call: own queues now, what the supervisor wrote, own figures of today. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { clock, duration, label } from "../shared/i18n";
import type { Desk } from "./model";
import { t } from "./words";

export function queuesCard(desk: Desk): TemplateResult {
  return html`
    <section class="card" aria-labelledby="queues-title" data-test="queues">
      <h2 id="queues-title">${t("queues.title")}</h2>
      ${desk.queuesNow.length === 0
        ? html`<p class="soft">${t("queues.none")}</p>`
        : html`
            <table>
              <thead><tr><th>${t("queues.queue")}</th><th class="number">${t("queues.waiting")}</th><th class="number">${t("queues.longest")}</th></tr></thead>
              <tbody>
                ${repeat(
                  desk.queuesNow,
                  (row) => row.queue,
                  (row) => html`
                    <tr class=${row.waiting > 0 ? "busy" : ""} data-queue=${row.queue}>
                      <td>${label(desk.queueLabel(row.queue))}</td>
                      <td class="number">${row.waiting}</td>
                      <td class="number">${row.waiting_since ? duration((Date.now() - Date.parse(row.waiting_since)) / 1000) : "–"}</td>
                    </tr>
                  `,
                )}
              </tbody>
            </table>
          `}
    </section>
  `;
}

export function messagesCard(desk: Desk): TemplateResult | typeof nothing {
  if (desk.told.length === 0) return nothing;
  return html`
    <section class="card" aria-labelledby="told-title" data-test="messages">
      <h2 id="told-title">${t("told.title")}</h2>
      <ul class="lines" role="log">
        ${repeat(
          desk.told,
          (one) => one.id,
          (one) => html`<li><time>${clock(one.at)}</time> <strong>${one.from}</strong> <span>${one.text}</span></li>`,
        )}
      </ul>
    </section>
  `;
}
