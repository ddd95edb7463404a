/** Shapes of the live board (docs/console-api.md). */

export interface Figures {
  offered: number;
  answered: number;
  abandoned: number;
  service_level: number | null;
}

export interface QueueRow {
  name: string;
  label_zh: string;
  label_en: string;
  opening: string;
  closed_at: string | null;
  closed_by: string | null;
  waiting: number;
  waiting_since: string | null;
  expected_wait_seconds: number | null;
  service_level_seconds: number;
  agents: { idle: number; ringing: number; on_call: number; wrap_up: number; paused: number };
  today: Figures;
  last_30_minutes: Figures;
}

export interface WaitingRow {
  uniqueid: string;
  queue: string;
  name: string | null;
  number: string | null;
  vip_grade: string | null;
  verified: boolean;
  is_callback: boolean;
  priority: number;
  joined_at: string;
}

export interface AgentRow {
  number: string;
  name: string;
  wanted: "logged_out" | "available" | "paused";
  pause_reason: string | null;
  wanted_since: string;
  activity: "idle" | "ringing" | "on_call" | "wrap_up";
  activity_since: string;
  call_id: string | null;
  queue: string | null;
  call_state: string | null;
  direction: string | null;
  queues: string[];
  seat: string | null;
  registered: boolean;
  listener: string | null;
  mode: string | null;
}

export interface MenuRow {
  call_id: string;
  name: string | null;
  number: string | null;
  vip_grade: string | null;
  verified: boolean;
  dialled_number: string | null;
  queue: string | null;
  flow: string | null;
  step: string | null;
  step_at: string | null;
  started_at: string;
}

export interface AlarmRow {
  id: number;
  kind: string;
  severity: string;
  queues: string[] | null;
  raised_at: string;
  last_at: string;
  occurrences: number;
  cleared_at: string | null;
}

export interface TrunkRow {
  name: string;
  in_use: number;
  channels: number | null;
}

export interface Tables {
  queues: QueueRow;
  waiting: WaitingRow;
  agents: AgentRow;
  menus: MenuRow;
  alarms: AlarmRow;
  trunks: TrunkRow;
}

export type TableName = keyof Tables;

/** An alarm as GET /alarms tells it. */
export interface Alarm {
  id: number;
  kind: string;
  state: "open" | "acknowledged" | "cleared";
  severity: "info" | "warning" | "critical";
  title_zh: string;
  title_en: string;
  rule_id: string | null;
  queues: string[] | null;
  is_for_me: boolean;
  details: Record<string, unknown>;
  raised_at: string;
  last_at: string;
  occurrences: number;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  cleared_at: string | null;
}

export interface PauseReason {
  code: string;
  label_zh: string;
  label_en: string;
  active: boolean;
}
