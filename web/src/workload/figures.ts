/** Figures as they are written: durations in whole seconds that still add up, intervals by the hospital's clock. */

import { language } from "../shared/i18n";
import { plus, weekday } from "./periods";
import type { Interval, Row } from "./types";

/** States of an agent; their durations add up to the logged-in time. */
export const STATES = ["available", "paused", "ringing", "talk", "hold", "wrap_up", "unobserved"] as const;
export type State = (typeof STATES)[number];

export interface Shown {
  logged_in: number;
  states: Record<State, number>;
  /** By reason; they add up to `states.paused`. */
  paused: Record<string, number>;
}

/**
 * Whole seconds of a row. Not each rounded by itself, but the sum up to it: so what stands in a row adds up to its
 * logged-in time, and nothing is off by a second or more.
 */
export function shown(row: Row): Shown {
  let exact = 0;
  let told = 0;
  const next = (seconds: number): number => {
    exact += seconds;
    const part = Math.round(exact) - told;
    told += part;
    return part;
  };
  const paused: Record<string, number> = {};
  const states = {} as Record<State, number>;
  for (const state of STATES) {
    if (state !== "paused") {
      states[state] = next(row[`${state}_seconds`]);
      continue;
    }
    for (const [reason, seconds] of Object.entries(row.paused_seconds_by_reason)) paused[reason] = next(seconds);
    states.paused = Object.values(paused).reduce((sum, seconds) => sum + seconds, 0);
  }
  return { logged_in: told, states, paused };
}

/** 0:00:00; hours may be many. */
export function hms(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

const BY_CLOCK: ReadonlySet<Interval> = new Set<Interval>(["quarter_hour", "hour"]);

/** 2026-01-05 08:00–09:00, 2026-01-05 Mon, or the first and the last day. */
export function intervalWords(row: Row, interval: Interval): string {
  const [first, beyond] = [row.start.slice(0, 10), row.end.slice(0, 10)];
  if (BY_CLOCK.has(interval)) return `${first} ${row.start.slice(11, 16)}–${row.end.slice(11, 16)}`;
  const last = plus(beyond, -1);
  if (first === last) return `${first} ${weekday(first, language() === "en" ? "en-GB" : "zh-CN")}`;
  return `${first} – ${last.slice(0, 4) === first.slice(0, 4) ? last.slice(5) : last}`;
}

export function agentWords(row: Row): string {
  return `${row.agent_number ?? ""} ${row.display_name ?? ""}`.trim();
}
