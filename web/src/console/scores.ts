/** A recording is scored by the newest version of a sheet; the agent sees it and may answer. */

import { html, nothing, type TemplateResult } from "lit";
import { get, post, type Page } from "../shared/api";
import { language, label, moment } from "../shared/i18n";
import type { Board } from "./board";
import type { Recording } from "./recordings";
import { t } from "./words";

interface Question {
  key: string;
  text_zh: string;
  text_en: string;
  kind: "yes_no" | "scale";
  weight: number;
  fatal: boolean;
}
interface Sheet {
  name: string;
  version: number;
  content: { label_zh: string; label_en: string; sections: { label_zh: string; label_en: string; questions: Question[] }[] };
}
interface Score {
  id: number;
  recording_id: number;
  sheet_name: string;
  scored_by: string;
  scored_at: string;
  total: number | null;
  is_fatal: boolean;
  replied_at: string | null;
}

const SCALE = ["0", "1", "2", "3", "4", "5"];
let sheets: Sheet[] | null = null;
let chosen = "";
let scores: { of: number; given: Score[] } | null = null;

export function scoreForm(board: Board, recording: Recording): TemplateResult | typeof nothing {
  if (sheets === null || scores?.of !== recording.id) {
    sheets ??= [];
    scores = { of: recording.id, given: [] };
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
    ${scores.given.map((one) => html`<p data-test="given-score"><strong>${one.total === null ? "–" : one.total}</strong> <span class="soft">${one.scored_by} · ${moment(one.scored_at)}${one.replied_at === null ? "" : ` · ${t("score.replied")}`}</span></p>`)}
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

function question(one: Question): TemplateResult {
  const answers = one.kind === "yes_no" ? ["yes", "no"] : SCALE;
  return html`
    <div class="question" role="radiogroup" aria-label=${language() === "en" ? one.text_en : one.text_zh}>
      <span>${language() === "en" ? one.text_en : one.text_zh} ${one.fatal ? html`<span class="tag bad">${t("score.fatal")}</span>` : nothing}</span>
      <span class="row">
        ${[...answers, "na"].map(
          (answer) => html`<label class="check"><input type="radio" name=${`q.${one.key}`} value=${answer} required /> ${SCALE.includes(answer) ? answer : t(`score.${answer}` as "score.yes")}</label>`,
        )}
      </span>
    </div>
  `;
}

async function load(board: Board, recording: Recording): Promise<void> {
  await board.act("score", async () => {
    const [all, page] = await Promise.all([get<Sheet[]>("/quality/sheets"), get<Page<Score>>(`/quality/scores?recording_id=${recording.id}`)]);
    sheets = all;
    scores = { of: recording.id, given: page.items.filter((one) => one.recording_id === recording.id) };
  });
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
      scores = null;
    },
    t("score.given"),
  );
}
