/** Alarm rules: what is measured, when it is too much, whom it is told; changed by administrators. */

import { html, nothing, type TemplateResult } from "lit";
import { get, post, put, type Page } from "../shared/api";
import { language, label } from "../shared/i18n";
import type { Board } from "./board";
import { closeDialog, openDialog } from "../shared/dialog";
import { coded, t } from "./words";

interface Rule {
  id: string;
  label_zh: string;
  label_en: string;
  measure: string;
  comparison: "above" | "below";
  threshold: number;
  for_seconds: number;
  clear_threshold: number;
  clear_seconds: number;
  window_minutes: number;
  minimum_calls: number;
  level: "info" | "warning" | "critical";
  scope: string[];
  tell_roles: string[];
  tell_users: string[];
  mail_to: string[];
  webhooks: string[];
  enabled: boolean;
  shipped: boolean;
  changed_at: string;
  changed_by: string;
}
interface Measure {
  measure: string;
  of: string;
  unit: string;
  words_zh: string;
  words_en: string;
}
interface Measured {
  subject: string;
  value: number | null;
  is_bad: boolean;
}

const NUMBERS = ["threshold", "for_seconds", "clear_threshold", "clear_seconds"] as const;
const LISTS = ["scope", "mail_to", "webhooks"] as const;
const LEVELS = { info: "info", warning: "warn", critical: "bad" } as const;
let rules: Rule[] | null = null;
let measures: Measure[] = [];
let measured: { rule: string; rows: Measured[] } | null = null;

export function rulesView(board: Board): TemplateResult {
  if (rules === null) {
    rules = [];
    void load(board);
  }
  return html`
    <section class="card wide" aria-labelledby="rules-title" data-test="rules">
      <h2 id="rules-title">${t("rules.title")}</h2>
      <div class="scroll">
        <table>
          <thead><tr><th>${t("rule")}</th><th>${t("rule.measure")}</th><th>${t("rule.when")}</th><th>${t("rule.scope")}</th><th>${t("rule.level")}</th><th>${t("rule.enabled")}</th><th></th></tr></thead>
          <tbody>
            ${rules.map(
              (rule) => html`
                <tr data-rule=${rule.id}>
                  <td>${label(rule)}</td>
                  <td>${measureWords(rule.measure)}</td>
                  <td class="numbers">${rule.measure === "event" ? "–" : when(rule)}</td>
                  <td>${rule.scope.length === 0 ? t("all") : rule.scope.map((name) => board.queueLabel(name)).join("、")}</td>
                  <td><span class="dot ${LEVELS[rule.level]}"></span>${coded("level", rule.level)}</td>
                  <td>${rule.enabled ? t("yes") : t("no")}</td>
                  <td class="number"><button type="button" class="small-button" data-test="rule-open" @click=${() => openRule(board, rule.id)}>${t("rule.open")}</button></td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    </section>
  `;
}

async function load(board: Board): Promise<void> {
  await board.act("rules", async () => {
    const [page, all] = await Promise.all([get<Page<Rule>>("/alarm-rules?limit=200"), get<Measure[]>("/alarm-measures")]);
    [rules, measures] = [page.items, all];
  });
}

function measureWords(measure: string): string {
  const found = measures.find((one) => one.measure === measure);
  return found === undefined ? measure : language() === "en" ? found.words_en : found.words_zh;
}

function when(rule: Rule): string {
  const kind = measures.find((one) => one.measure === rule.measure)?.unit;
  const unit = kind === "seconds" ? ` ${t("unit.seconds")}` : kind === "percent" ? " %" : "";
  const sign = rule.comparison === "above" ? ">" : "<";
  return `${sign} ${rule.threshold}${unit}${rule.for_seconds > 0 ? ` · ${t("rule.for", { seconds: rule.for_seconds })}` : ""}`;
}

function openRule(board: Board, id: string): void {
  measured = null;
  const mayChange = board.me?.roles.includes("admin") ?? false;
  openDialog(() => {
    const rule = rules?.find((one) => one.id === id);
    if (rule === undefined) return { title: id, body: html`<p>${t("gone")}</p>` };
    const number = (name: (typeof NUMBERS)[number]): TemplateResult => html`
      <label class="field">${t(`rule.${name}`)} <input type="number" step="any" name=${name} required .value=${String(rule[name])} /></label>
    `;
    return {
      title: label(rule),
      body: html`
        <p class="soft">${measureWords(rule.measure)} · ${t("rule.changed", { who: rule.changed_by })}</p>
        <form class="stack" data-test="rule-form" @submit=${(event: SubmitEvent) => save(board, event, rule)}>
          <fieldset ?disabled=${!mayChange}>
            <label class="check"><input type="checkbox" name="enabled" .checked=${rule.enabled} /> ${t("rule.enabled")}</label>
            ${rule.measure === "event" ? nothing : html`<div class="pairs">${NUMBERS.map(number)}</div>`}
            <label class="field">${t("rule.level")}
              <select name="level">${(["info", "warning", "critical"] as const).map((level) => html`<option value=${level} ?selected=${level === rule.level}>${coded("level", level)}</option>`)}</select>
            </label>
            ${LISTS.map((name) => html`<label class="field">${t(`rule.${name}`)} <input name=${name} .value=${rule[name].join(" ")} placeholder=${t("rule.list")} /></label>`)}
          </fieldset>
          <div class="row">
            ${mayChange ? html`<button type="submit" class="primary">${t("save")}</button>` : html`<span class="soft">${t("rule.admins")}</span>`}
            <button type="button" data-test="rule-test" @click=${() => void test(board, id)}>${t("rule.test")}</button>
          </div>
        </form>
        ${measured?.rule === id
          ? html`<ul class="lines" data-test="measured">${measured.rows.map((row) => html`<li>${board.queueLabel(row.subject)}: <strong class=${row.is_bad ? "bad-ink" : ""}>${row.value ?? "–"}</strong></li>`)}</ul>`
          : nothing}
      `,
    };
  });
}

async function test(board: Board, id: string): Promise<void> {
  await board.act("rule", async () => {
    const answer = await post<Measured[] | { items: Measured[] }>(`/alarm-rules/${id}/test`);
    measured = { rule: id, rows: Array.isArray(answer) ? answer : answer.items };
  });
}

function save(board: Board, event: SubmitEvent, rule: Rule): void {
  event.preventDefault();
  const given = new FormData(event.currentTarget as HTMLFormElement);
  const { id, shipped: _shipped, changed_at: _at, changed_by: _by, ...values } = rule;
  const changed: Record<string, unknown> = { ...values, enabled: given.get("enabled") !== null, level: given.get("level") };
  for (const name of NUMBERS) if (given.has(name)) changed[name] = Number(given.get(name));
  for (const name of LISTS) changed[name] = String(given.get(name) ?? "").split(/[\s,，、]+/).filter((one) => one !== "");
  void board.act(
    "rule",
    async () => {
      await put(`/alarm-rules/${id}`, changed);
      rules = null;
      closeDialog();
    },
    t("rule.saved"),
  );
}
