/** How the agent's conversations were scored: each answer, the conversation itself, and one reply. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { get, post, type Page } from "../shared/api";
import { label, moment, when } from "../shared/i18n";
import { scoreAnswers, scoreTotal, type Score, type ScoreDetail } from "../shared/scores";
import { hearing, hearRecording, isHeard } from "./hearing";
import type { Desk } from "./model";
import { t } from "./words";

const SHOWN = 5;
const state: { scores: Score[]; open: ScoreDetail | null } = { scores: [], open: null };

/** Quietly: who has no scores has no card. */
export async function loadScores(desk: Desk): Promise<void> {
  const [page] = await Promise.allSettled([get<Page<Score>>(`/agents/me/scores?limit=${SHOWN}`)]);
  if (page.status === "fulfilled") state.scores = page.value.items;
  desk.changed();
}

export function scoresCard(desk: Desk): TemplateResult | typeof nothing {
  if (state.scores.length === 0) return nothing;
  return html`
    <section class="card" aria-labelledby="scores-title" data-test="scores">
      <h2 id="scores-title">${t("scores.title")}</h2>
      <ul class="lines">
        ${repeat(
          state.scores,
          (one) => one.id,
          (one) => html`
            <li data-score=${one.id}>
              <button type="button" class="quiet row score-line" aria-expanded=${state.open?.id === one.id} @click=${() => open(desk, one)}>
                <strong class="numbers">${scoreTotal(one)}</strong>
                <span>${one.queue_name === null ? one.sheet_name : label(desk.queueLabel(one.queue_name))}</span>
                <time class="soft">${when(one.scored_at)}</time>
                ${one.is_fatal ? html`<span class="tag bad">${t("score.fatal")}</span>` : nothing}
                ${one.replied_at === null ? nothing : html`<span class="tag">${t("scores.replied")}</span>`}
              </button>
              ${state.open?.id === one.id ? detail(desk, state.open) : nothing}
            </li>
          `,
        )}
      </ul>
    </section>
  `;
}

function open(desk: Desk, one: Score): void {
  if (state.open?.id === one.id) {
    state.open = null;
    desk.changed();
    return;
  }
  void desk.act("score", async () => {
    state.open = await get<ScoreDetail>(`/agents/me/scores/${one.id}`);
  });
}

function detail(desk: Desk, one: ScoreDetail): TemplateResult {
  const name = `score-${one.id}`;
  return html`
    <div class="detail stack" data-test="score-detail">
      <p class="soft">${t("scores.by", { who: one.scored_by, at: moment(one.scored_at) })}</p>
      ${scoreAnswers(one)}
      <div><button type="button" aria-expanded=${isHeard(name)} data-test="hear-score" @click=${() => hearRecording(desk, name, one.recording_id)}>${t("own_calls.hear")}</button></div>
      ${hearing(name)} ${one.reply === null ? replyForm(desk, one) : nothing}
    </div>
  `;
}

function replyForm(desk: Desk, one: ScoreDetail): TemplateResult {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget as HTMLFormElement).get("text")).trim();
    if (text === "") return;
    void desk.act("score-reply", async () => {
      state.open = await post<ScoreDetail>(`/agents/me/scores/${one.id}/reply`, { text });
      await loadScores(desk);
    });
  };
  return html`
    <form class="stack" data-test="score-reply-form" @submit=${submit}>
      <label for="score-reply">${t("scores.reply_once")}</label>
      <textarea id="score-reply" name="text" rows="3" required maxlength="2000"></textarea>
      <div><button class="primary" type="submit" ?disabled=${desk.busy.has("score-reply")}>${t("scores.send")}</button></div>
    </form>
  `;
}
