/** Quality scores as the API tells them, to who gives one and to whose conversation it is. */

import { html, nothing, type TemplateResult } from "lit";
import { coder, label, language, t } from "./i18n";

export interface Question {
  key: string;
  text_zh: string;
  text_en: string;
  kind: "yes_no" | "scale";
  weight: number;
  fatal: boolean;
}

export interface Sheet {
  label_zh: string;
  label_en: string;
  sections: { label_zh: string; label_en: string; questions: Question[] }[];
}

export interface Score {
  id: number;
  recording_id: number;
  queue_name: string | null;
  sheet_name: string;
  scored_by: string;
  scored_at: string;
  total: number | null;
  is_fatal: boolean;
  replied_at: string | null;
}

export interface ScoreDetail extends Score {
  answers: Record<string, string | number>;
  comment: string;
  reply: string | null;
  sheet: Sheet;
}

const coded = coder({});

/** Of 100; no question may have applied. */
export const scoreTotal = (one: Score): string => (one.total === null ? "–" : String(Math.round(one.total)));

/** A question in the reader's language. */
export const questionText = (one: Question): string => (language() === "en" ? one.text_en : one.text_zh);

/** What was answered to each question, what was written, and what the agent says to it. */
export function scoreAnswers(one: ScoreDetail): TemplateResult {
  return html`
    ${one.sheet.sections.map(
      (section) => html`
        <h3>${label(section)}</h3>
        <dl class="answers">
          ${section.questions.map((question) => html`<div><dt>${questionText(question)}</dt><dd>${answer(one.answers[question.key])}</dd></div>`)}
        </dl>
      `,
    )}
    ${one.comment === "" ? nothing : html`<blockquote data-test="score-comment">${one.comment}</blockquote>`}
    ${one.reply === null ? nothing : html`<p data-test="score-reply"><strong>${t("score.reply")}</strong> ${one.reply}</p>`}
  `;
}

function answer(given: string | number | undefined): string {
  if (given === undefined) return "–";
  return typeof given === "number" ? `${given} / 5` : coded("score", given);
}
