/** What the campaign has come to, as charts and as files. */

import { html, nothing, type TemplateResult } from "lit";
import { language } from "../shared/i18n";
import { counts } from "./bars";
import { drawHours } from "./hours";
import type { Store } from "./store";
import { t } from "./words";

export function resultsTab(store: Store): TemplateResult {
  const { results } = store;
  if (results === null) return html`<p class="soft">${t("loading")}</p>`;
  queueMicrotask(() => drawHours(store));
  const files = (["csv", "xlsx"] as const).map(
    (form) => html`<button type="button" data-test=${form} ?disabled=${store.busy.has(form)} @click=${() => void store.download(form)}>${t(`download.${form}`)}</button>`,
  );
  return html`
    <section class="card" aria-labelledby="hours-title">
      <div class="row between">
        <h2 id="hours-title">${t("results.hours")}</h2>
        <div class="row">${files}</div>
      </div>
      ${results.hours.length === 0 ? html`<p class="soft">${t("nothing_yet")}</p>` : html`<div id="hours" class="chart" role="img" aria-label=${t("results.hours.alt", { hours: results.hours.length })}></div>`}
    </section>
    <div class="pair">
      <section class="card"><h2>${t("by_status")}</h2>${counts("status", t("by_status"), results.by_status)}</section>
      <section class="card"><h2>${t("by_outcome")}</h2>${counts("outcome", t("by_outcome"), results.by_outcome)}</section>
    </div>
    ${results.questions.length === 0
      ? nothing
      : html`
          <section class="card" aria-labelledby="answers-title">
            <h2 id="answers-title">${t("results.answers")}</h2>
            <div class="questions">
              ${results.questions.map(
                ({ question, answers }) => html`
                  <div data-question=${question}>
                    <h3>${question}</h3>
                    <p class="soft small">${asked(store, question)}</p>
                    ${counts("answer", question, answers, (codes) => codes.sort((one, other) => one.localeCompare(other, undefined, { numeric: true })), (_prefix, value) => value)}
                  </div>
                `,
              )}
            </div>
          </section>
        `}
  `;
}

/** The words of the question, where the campaign has them. */
function asked(store: Store, question: string): string {
  const said = store.campaign?.texts.spoken[question];
  return (language() === "en" ? said?.en : said?.zh) || said?.zh || said?.en || "";
}
