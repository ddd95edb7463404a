/** Days of the hospital's calendar, wherever the browser is. A day is its ISO name: 2026-01-05. */

import { instant, wall } from "../shared/zones";

const DAY_MILLISECONDS = 86_400_000;

export const PERIODS = ["today", "yesterday", "this_week", "this_month"] as const;
export type Period = (typeof PERIODS)[number];

export interface Days {
  from: string;
  until: string;
}

/** Both days counted. Weeks begin on Monday. */
export function daysOf(period: Period, today: string): Days {
  const weekday = (utc(today).getUTCDay() + 6) % 7;
  switch (period) {
    case "today":
      return { from: today, until: today };
    case "yesterday":
      return { from: plus(today, -1), until: plus(today, -1) };
    case "this_week":
      return { from: plus(today, -weekday), until: plus(today, 6 - weekday) };
    case "this_month": {
      const [year, month] = today.split("-").map(Number) as [number, number];
      return { from: `${today.slice(0, 8)}01`, until: new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10) };
    }
  }
}

export function plus(day: string, days: number): string {
  return new Date(utc(day).getTime() + days * DAY_MILLISECONDS).toISOString().slice(0, 10);
}

export function today(zone: string): string {
  return wall(new Date(), zone).toISOString().slice(0, 10);
}

/** When the day begins in the zone, as the API takes it. */
export function beginning(day: string, zone: string): string {
  return instant(`${day}T00:00`, zone);
}

/** Monday, in the reader's language. */
export function weekday(day: string, locale: string): string {
  return utc(day).toLocaleDateString(locale, { weekday: "short", timeZone: "UTC" });
}

function utc(day: string): Date {
  return new Date(`${day}T00:00:00Z`);
}
