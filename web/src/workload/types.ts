/** As GET /workload answers. */

export const INTERVALS = ["quarter_hour", "hour", "day", "week", "month", "period"] as const;
export type Interval = (typeof INTERVALS)[number];
export const GROUPINGS = ["agent", "queue", "agent,queue", "none"] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** Times are on the hospital's clock, with its offset. Durations in seconds, exact to the microsecond. */
export interface Row {
  start: string;
  end: string;
  agent_number: string | null;
  display_name: string | null;
  queue_name: string | null;
  logged_in_seconds: number;
  available_seconds: number;
  paused_seconds: number;
  paused_seconds_by_reason: Record<string, number>;
  ringing_seconds: number;
  talk_seconds: number;
  hold_seconds: number;
  wrap_up_seconds: number;
  unobserved_seconds: number;
  offered: number;
  answered: number;
  missed: number;
  withdrawn: number;
  transferred: number;
  rated: number;
  average_rating: number | null;
  work_orders_taken: number;
  work_orders_closed: number;
}

export interface Workload {
  time_zone: string;
  items: Row[];
  next_cursor: string | null;
}

export interface Labelled {
  label_zh: string;
  label_en: string;
}

/** What is asked. `from` and `until`: days of the hospital, both counted; `agent`, `queue`: "" for all. */
export interface Question {
  from: string;
  until: string;
  interval: Interval;
  group: Grouping;
  agent: string;
  queue: string;
}
