/** Shapes of the API that the desk uses; source: /api/v1/openapi.json and docs/agent-api.md. */

export type Wanted = "logged_out" | "available" | "paused";
export type Activity = "idle" | "ringing" | "on_call" | "wrap_up";

export interface AgentState {
  wanted: Wanted;
  pause_reason: string | null;
  wanted_since: string;
  activity: Activity;
  activity_since: string;
  call_id: string | null;
  wrap_up_until: string | null;
  seat: string | null;
}

export interface Telephone {
  seat: string;
  registered: boolean;
}

export interface LiveCall {
  call_id: string;
  leg: string;
  direction: "inbound" | "outbound" | "internal";
  queue: string | null;
  peer_masked: string | null;
  state: "ringing" | "talking" | "held" | "consulting" | "conference" | "ended";
  muted: boolean;
  recording_paused: boolean;
  since: string;
}

export interface Hello {
  sequence: number;
  resumed: boolean;
  agent: { number: string; display_name: string };
  state: AgentState;
  telephone: Telephone | null;
  call?: LiveCall | null;
}

export interface QueueNow {
  queue: string;
  waiting: number;
  waiting_since: string | null;
}

export interface Labelled {
  label_zh: string;
  label_en: string;
}

export interface Named {
  name_zh: string;
  name_en: string;
}

export interface Grade extends Labelled {
  code: string;
}

export interface Queue extends Labelled {
  name: string;
}

export interface Seat {
  name: string;
  label: string;
  kind: "phone" | "browser";
  registered: boolean;
}

export interface PauseReason extends Labelled {
  code: string;
  digit: string | null;
  active: boolean;
}

export interface Disposition {
  call_id: string;
  agent_number: string;
  queue_name: string;
  form_version: number;
  answers: Record<string, Answer>;
  saved_at: string;
}

export type Answer = string | boolean | number | string[] | null;

export interface FormField extends Labelled {
  key: string;
  kind: "choice" | "text" | "number" | "yes_no" | "date";
  required: boolean;
  options: (Labelled & { code: string })[];
  several: boolean;
  least: number | null;
  most: number | null;
  max_length: number;
}

export interface DispositionForm {
  queue_name: string;
  version: number;
  fields: FormField[];
}

export interface Note {
  text: string;
  version: number;
  written_at: string;
  written_by: string;
}

export interface PopPatient {
  id: string;
  revealed: boolean;
  name: string;
  external_id: string | null;
  sex: string | null;
  age: number | null;
  birth_date: string | null;
  language: string;
  deceased: boolean;
  vip_grade: string | null;
  vip_label_zh: string | null;
  vip_label_en: string | null;
  vip_benefits: string[];
  has_responsible_doctor: boolean;
  responsible_doctor: (Named & { title_zh: string; title_en: string }) | null;
  visits: { kind: string; visited_at: string; department: Named | null; doctor: Named | null; summary: string | null }[];
  appointments: { starts_at: string; status: string; department: Named | null; doctor: Named | null }[];
}

export interface PopCall {
  id: string;
  direction: string;
  started_at: string;
  outcome: string;
  queue_name: string | null;
  agent_number: string | null;
  talk_seconds: number;
  rating: number | null;
  note: string | null;
  dispositions: Disposition[];
}

export interface ScreenPop {
  call_id: string;
  stage: "ringing" | "talking" | "ended";
  direction: "inbound" | "outbound" | "internal";
  caller_masked: string;
  dialled_number: string | null;
  language: string | null;
  verified: boolean;
  vip_grade: string | null;
  queue: (Labelled & { name: string }) | null;
  queue_entered_at: string | null;
  wait_seconds: number | null;
  way_known: boolean;
  way: { at: string; step: string; outcome: string; text_zh: string; text_en: string }[];
  candidates: { id: string; name_masked: string; relation: string; vip_grade: string | null; deceased: boolean }[];
  chosen_by: string | null;
  patient: PopPatient | null;
  work_orders: {
    number: number;
    kind: string;
    state: string;
    category: string | null;
    opened_at: string;
    due_at: string;
    request: string | null;
    note: string | null;
  }[];
  previous_calls: PopCall[];
  note: Note | null;
  disposition: Disposition | null;
  disposition_form: DispositionForm | null;
  reveal_reasons: (Labelled & { code: string; active: boolean })[];
  campaign: CalledContact | null;
}

/** Whom a campaign of ours called, and what is to be said. */
export interface CalledContact {
  id: string;
  name: string;
  kind: string;
  contact: string;
  variables: Record<string, string>;
  script: string;
}

export interface OwnFigures {
  offered: number;
  answered: number;
  missed: number;
  talk_seconds: number;
  hold_seconds: number;
  wrap_up_seconds: number;
  paused: { reason: string | null; seconds: number }[];
  logged_in_seconds: number;
  average_rating: number | null;
}

export interface OwnCall {
  id: string;
  direction: string;
  started_at: string;
  caller_number: string | null;
  queue_name: string | null;
  talk_seconds: number;
  note: string | null;
}

export interface PhoneAccount {
  username: string;
  password: string;
  realm: string;
  uri: string;
  socket_url: string;
  ice_servers: { url: string; username: string | null; credential: string | null }[];
}

export interface PatientSummary {
  id: string;
  external_id: string;
  name: string;
  sex: string | null;
  birth_date: string | null;
  vip_grade: string | null;
  deceased: boolean;
}

export interface PatientDetail extends PatientSummary {
  numbers: { e164: string; relation: string }[];
}
