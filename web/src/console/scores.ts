/** A recording is scored by the newest version of a sheet; the agent sees it and may answer. */

import { html, nothing, type TemplateResult } from "lit";
import { get, post, type Page } from "../shared/api";
import { label, moment } from "../shared/i18n";
import type { Recording } from "../shared/player";
import { questionText, scoreAnswers, scoreTotal, type Question, type Score, type ScoreDetail, type Sheet as SheetContent } from "../shared/scores";
import type { Board } from "./board";
import { coded, t } from "./words";

interface Sheet {
  name: string;
  version: number;
  content: SheetContent;
}

const SCALE = ["0", "1", "2", "3", "4", "5"];
let sheets: Sheet[] | null = null;
let chosen = "";
let scores: { of: number; given: Score[]; open: ScoreDetail | null } | null = null;

export function scoreForm(board: Board, recording: Recording): TemplateResult | typeof nothing {
  if (sheets === null || scores?.of !== recording.id) {
    sheets ??= [];
    scores = { of: recording.id, given: [], open: null };
    void load(board, recording);
  }
  if (recording.agent_number === null || sheets.length === 0) return nothing;
  const sheet = sheets.find((one) => one.name === chosen) ?? sheets[0];
  if (sheet === undefined) return nothing;
  const choose = (event: Event): void => {
    chosen = (event.target as HTMLSelectElement).value;
    board.changed();
  };
  return html`
    ${scores.given.map((one) => given(board, one))}
    <details>
      <summary>${t("score.give")}</summary>
      <form class="stack" data-test="score-form" @submit=${(event: SubmitEvent) => give(board, event, recording, sheet)}>
        ${sheets.length > 1
          ? html`<label>${t("score.sheet")} <select class="inline" @change=${choose}>${sheets.map((one) => html`<option value=${one.name} ?selected=${one.name === sheet.name}>${label(one.content)}</option>`)}</select></label>`
          : nothing}
        ${sheet.content.sections.map((section) => html`<fieldset><legend>${label(section)}</legend>${section.questions.map(question)}</fieldset>`)}
        <label for="score-comment">${t("score.comment")}</label>
        <textarea id="score-comment" name="comment" rows="2" maxlength="2000"></textarea>
        <div class="row"><button class="primary" type="submit" ?disabled=${board.busy.has("score")}>${t("save")}</button></div>
      </form>
    </details>
  `;
}

function given(board: Board, one: Score): TemplateResult {
  const open = scores?.open?.id === one.id ? scores.open : null;
  const toggle = (): void => {
    void board.act("score", async () => {
      const detail = open === null ? await get<ScoreDetail>(`/quality/scores/${one.id}`) : null;
      if (scores !== null) scores.open = detail;
    });
  };
  return html`
    <div class="stack" data-test="given-score">
      <div><button type="button" class="quiet" aria-expanded=${open !== null} @click=${toggle}>
        <strong>${scoreTotal(one)}</strong> <span class="soft">${one.scored_by} · ${moment(one.scored_at)}${one.replied_at === null ? "" : ` · ${t("score.replied")}`}</span>
      </button></div>
      ${open === null ? nothing : scoreAnswers(open)}
    </div>
  `;
}

function question(one: Question): TemplateResult {
  const answers = one.kind === "yes_no" ? ["yes", "no"] : SCALE;
  return html`
    <div class="question" role="radiogroup" aria-label=${questionText(one)}>
      <span>${questionText(one)} ${one.fatal ? html`<span class="tag bad">${t("score.fatal")}</span>` : nothing}</span>
      <span class="row">
        ${[...answers, "na"].map(
          (answer) => html`<label class="check"><input type="radio" name=${`q.${one.key}`} value=${answer} required /> ${SCALE.includes(answer) ? answer : coded("score", answer)}</label>`,
        )}
      </span>
    </div>
  `;
}

async function load(board: Board, recording: Recording): Promise<void> {
  await board.act("score", async () => {
    const [all, page] = await Promise.all([get<Sheet[]>("/quality/sheets"), get<Page<Score>>(`/quality/scores?recording_id=${recording.id}`)]);
    sheets = all;
    scores = { of: recording.id, given: page.items, open: null };
  });
}

/** What was given before is read anew. */
export function forgetScores(): void {
  scores = null;
}

function give(board: Board, event: SubmitEvent, recording: Recording, sheet: Sheet): void {
  event.preventDefault();
  const form = event.currentTarget as HTMLFormElement;
  const given = new FormData(form);
  const answers: Record<string, string | number> = {};
  for (const [name, value] of given) {
    if (name.startsWith("q.")) answers[name.slice(2)] = SCALE.includes(String(value)) ? Number(value) : String(value);
  }
  void board.act(
    "score",
    async () => {
      await post("/quality/scores", { recording_id: recording.id, sheet: sheet.name, answers, comment: String(given.get("comment") ?? "") });
      form.reset();
      forgetScores();
    },
    t("score.given"),
  );
}
