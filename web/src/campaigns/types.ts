/** As the API of campaigns answers. */

export const STATES = ["draft", "running", "paused", "finished", "cancelled"] as const;
export type State = (typeof STATES)[number];
export const KINDS = ["care", "reminder", "survey", "notice", "callback"] as const;
export const CHANNELS = ["telephone", "email", "sms"] as const;
export type Channel = (typeof CHANNELS)[number];
export const MODES = ["automatic", "progressive", "predictive", "preview"] as const;
export const MACHINES = ["off", "hang_up", "leave_message"] as const;
export const CONTACT_STATES = ["new", "waiting", "dialling", "finished"] as const;
export const STATUSES = ["registered", "contacted", "started", "partial", "completed", "refused", "breakoff", "unreachable", "failed"] as const;

/** Outcomes after which may be dialled again, in the order in which people look for them. */
export const RETRIED = [
  "busy",
  "no_answer",
  "unreachable",
  "rejected",
  "invalid_number",
  "wrong_person",
  "machine",
  "hung_up_early",
  "answered_no_input",
  "abandoned_by_us",
  "network_failure",
  "not_placed",
] as const;

export interface Said {
  zh: string;
  en: string;
}

export interface Texts {
  spoken: Record<string, Said>;
  email: { subject: Said; text: Said } | null;
  sms: (Said & { template: string }) | null;
  script: Said | null;
}

export interface Windows {
  /** Monday first; each "09:00-12:00". */
  week: string[][];
  on_holidays: boolean;
}

export interface Pacing {
  mode: (typeof MODES)[number];
  calls_per_second: number;
  max_channels: number;
  ring_seconds: number;
  queue: string | null;
  abandon_percent: number;
  machine: (typeof MACHINES)[number];
}

export interface RetryRule {
  times: number;
  after_minutes: number;
  growth: number;
  spread_percent: number;
  number: "same" | "next";
  part_of_day: "any" | "other";
}

export interface RetryRules {
  most_attempts: number;
  most_per_number: number;
  after: Record<string, RetryRule>;
}

export interface Campaign {
  id: string;
  name: string;
  kind: string;
  state: State;
  flow: string;
  caller_id: string;
  texts: Texts;
  channels: Channel[];
  priority: number;
  zone: string;
  windows: Windows;
  pacing: Pacing;
  retry: RetryRules;
  report_to: string;
  starts_at: string;
  ends_at: string;
  version: number;
  changed_at: string;
  changed_by: string;
  started_at: string | null;
  finished_at: string | null;
}

export interface Labelled {
  name: string;
  label_zh: string;
  label_en: string;
}

export interface Choices {
  flows: { name: string; texts: string[]; questions: string[] }[];
  caller_ids: Labelled[];
  queues: Labelled[];
  windows: Windows;
  pacing: Pacing;
  retry: RetryRules;
}

export interface Standing {
  campaign_id: string;
  contacts: number;
  due: number;
  dialling: number;
  finished: number;
  reached: number;
}

type Counts = Record<string, number>;

export interface Progress {
  contacts: number;
  by_state: Counts;
  by_status: Counts;
  by_result: Counts;
  attempts: number;
  by_outcome: Counts;
  due: number;
  reach_rate: number | null;
  per_hour: number;
  expected_end_at: string | null;
}

export interface Hour {
  start: string;
  attempts: number;
  conversations: number;
}

export interface Results {
  by_status: Counts;
  by_result: Counts;
  by_outcome: Counts;
  questions: { question: string; answers: Counts }[];
  hours: Hour[];
}

export interface Contact {
  id: string;
  key: string;
  name: string;
  patient_id: string | null;
  language: string;
  numbers: string[];
  email: string | null;
  variables: Record<string, string>;
  state: string;
  status: string;
  result: string | null;
  reason: string | null;
  next_at: string | null;
  next_channel: Channel;
  attempts: number;
  finished_at: string | null;
}

export interface Attempt {
  id: string;
  number: number;
  channel: Channel;
  address: string;
  claimed_at: string;
  dialled_at: string | null;
  answered_at: string | null;
  ended_at: string | null;
  outcome: string | null;
  hangup_cause: number | null;
  agent_number: string | null;
}

export interface ContactDetail extends Contact {
  attempts_made: Attempt[];
  answers: { attempt_id: string; question: string; value: string; answered_at: string }[];
  decisions: { at: string; decision: string; reason: string; until: string | null }[];
}

export interface Rejected {
  index: number;
  key: string;
  reason: string;
}

export interface Added {
  added: number;
  rejected: Rejected[];
}

export interface Foreseen {
  contact_id: string;
  key: string;
  name: string;
  decision: string;
  reason: string;
  at: string | null;
  channel: Channel;
  number: string | null;
}

export interface DryRun {
  contacts: number;
  counted: number;
  by_decision: Counts;
  by_reason: Counts;
  items: Foreseen[];
  next_cursor: string | null;
}

export interface Audience {
  audience: Record<string, unknown>;
  at_time: string | null;
  standard: string | null;
  days: { day: string; found: number; added: number; unreachable: number; finished_at: string | null }[];
}

export const LIMITS = [
  { name: "attempts_per_number_daily", min: 1, max: 50, step: "1" },
  { name: "attempts_per_person_daily", min: 1, max: 50, step: "1" },
  { name: "conversations_per_person_daily", min: 1, max: 50, step: "1" },
  { name: "hours_between_conversations", min: 0, max: 720, step: "1" },
  { name: "quiet_from", min: 0, max: 24, step: "1" },
  { name: "quiet_until", min: 0, max: 24, step: "1" },
  { name: "max_channels", min: 1, max: 5000, step: "1" },
  { name: "calls_per_second", min: 0.1, max: 500, step: "0.1" },
] as const;

export type Limits = Record<(typeof LIMITS)[number]["name"], number>;

/** As POST /patients/search answers, as far as it is shown. */
export interface Patient {
  id: string;
  external_id: string;
  name: string;
}

/** Of a number, as it was typed, or of a person. */
export type Whom = { number: string } | { patient: Patient };

/** Of a number or of a person: the other is null. */
export interface DoNotCallEntry {
  id: string;
  number: string | null;
  patient_id: string | null;
  reason: string;
  added_at: string;
  added_by: string;
  until: string | null;
}
