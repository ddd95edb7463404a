/** Alarms: seen above everything, heard when the supervisor wants it, acknowledged by name. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { get, post, type Page } from "../shared/api";
import { language, moment } from "../shared/i18n";
import type { Board } from "./board";
import type { Alarm } from "./types";
import { coded, t } from "./words";

const KEPT = "callcenter.alarm-sound";
const WORST = ["critical", "warning", "info"];
const TONES: Record<string, string> = { critical: "bad", warning: "warn", info: "info" };
const SHOWN = 3;
let sound: AudioContext | null = null;
let wanted = localStorage.getItem(KEPT) === "on";
let history: Alarm[] | null = null;
let all = false;

const title = (alarm: Alarm): string => (language() === "en" ? alarm.title_en : alarm.title_zh);

/** Open ones, worst and newest first. */
function open(board: Board): Alarm[] {
  return board
    .rows("alarms")
    .flatMap((row) => board.alarms.get(row.id) ?? [])
    .sort((a, b) => WORST.indexOf(a.severity) - WORST.indexOf(b.severity) || b.raised_at.localeCompare(a.raised_at));
}

export function alarmStrip(board: Board): TemplateResult | typeof nothing {
  const alarms = open(board);
  if (alarms.length === 0) return nothing;
  const shown = all ? alarms : alarms.slice(0, SHOWN);
  return html`
    <section class="alarms" role="alert" aria-label=${t("alarms.title")} data-test="alarms">
      ${repeat(
        shown,
        (alarm) => alarm.id,
        (alarm) => html`
          <div class="banner ${TONES[alarm.severity] ?? "info"}" data-alarm=${alarm.id}>
            <strong>${title(alarm)}</strong> <span>${subject(board, alarm)}</span>
            <time class="small">${moment(alarm.raised_at)}${alarm.occurrences > 1 ? ` ×${alarm.occurrences}` : ""}</time>
            <button type="button" data-test="acknowledge" ?disabled=${board.busy.has(`alarm ${alarm.id}`)} @click=${() => void acknowledge(board, alarm)}>${t("acknowledge")}</button>
          </div>
        `,
      )}
      ${alarms.length > SHOWN
        ? html`<button type="button" class="quiet" aria-expanded=${all} @click=${() => {
            all = !all;
            board.changed();
          }}>${all ? t("alarms.fewer") : t("alarms.more", { count: alarms.length - SHOWN })}</button>`
        : nothing}
    </section>
  `;
}

function subject(board: Board, alarm: Alarm): string {
  const { subject: about, value } = alarm.details;
  const words = about === undefined ? (alarm.queues ?? []).map((name) => board.queueLabel(name)).join("、") : board.queueLabel(String(about));
  return typeof value === "number" ? `${words} (${Math.round(value * 10) / 10})` : words;
}

async function acknowledge(board: Board, alarm: Alarm): Promise<void> {
  await board.act(`alarm ${alarm.id}`, async () => {
    await post(`/alarms/${alarm.id}/acknowledge`);
    history = null;
  }, t("acknowledged"));
}

// -- heard

export function soundButton(board: Board): TemplateResult {
  const toggle = (): void => {
    wanted = !wanted;
    localStorage.setItem(KEPT, wanted ? "on" : "off");
    if (wanted) ring("info");
    board.changed();
  };
  return html`<button type="button" class="quiet" aria-pressed=${wanted} data-test="sound" @click=${toggle}>${wanted ? t("sound.on") : t("sound.off")}</button>`;
}

export function hear(alarm: Alarm): void {
  if (wanted) ring(alarm.severity);
}

/** Short tones, the more urgent the higher and the more of them. A browser lets us only after a first click. */
function ring(severity: string): void {
  sound ??= new AudioContext();
  void sound.resume();
  const [hertz, times] = severity === "critical" ? [988, 4] : severity === "warning" ? [784, 2] : [659, 1];
  for (let turn = 0; turn < times; turn++) {
    const begin = sound.currentTime + turn * 0.25;
    const tone = sound.createOscillator();
    const volume = sound.createGain();
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, begin);
    volume.gain.exponentialRampToValueAtTime(0.2, begin + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, begin + 0.2);
    tone.connect(volume).connect(sound.destination);
    tone.start(begin);
    tone.stop(begin + 0.22);
  }
}

// -- kept

export function alarmHistory(board: Board): TemplateResult {
  if (history === null) {
    history = [];
    void board.act("alarms", async () => {
      history = (await get<Page<Alarm>>("/alarms?limit=100")).items;
    });
  }
  return html`
    <section class="card wide" aria-labelledby="history-title" data-test="alarm-history">
      <h2 id="history-title">${t("alarms.history")}</h2>
      <div class="scroll">
        <table>
          <thead><tr><th>${t("alarm")}</th><th>${t("alarm.about")}</th><th>${t("alarm.raised")}</th><th>${t("alarm.state")}</th><th>${t("alarm.by")}</th></tr></thead>
          <tbody>
            ${history.map(
              (alarm) => html`
                <tr>
                  <td><span class="dot ${TONES[alarm.severity] ?? ""}"></span>${title(alarm)}</td>
                  <td>${subject(board, alarm)}</td>
                  <td><time>${moment(alarm.raised_at)}</time></td>
                  <td>${coded("alarm.state", alarm.state)}</td>
                  <td>${alarm.acknowledged_by ?? "–"} ${alarm.acknowledged_at === null ? nothing : html`<time class="soft">${moment(alarm.acknowledged_at)}</time>`}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    </section>
  `;
}
