/** A campaign while it is made or edited: what stands in the fields, as texts, and what the API is sent of it. */

import { instant, isZone, local, wall } from "../shared/zones";
import { RETRIED, type Campaign, type Channel, type Choices, type Pacing, type RetryRule, type Said, type Texts } from "./types";

const ZONE = "Asia/Shanghai";
const DAYS_VALID = 30;
const FIRST_KIND = "reminder";

export interface DraftRule extends Record<"times" | "after_minutes" | "growth" | "spread_percent", string> {
  on: boolean;
  number: RetryRule["number"];
  part_of_day: RetryRule["part_of_day"];
}

export interface Draft {
  id: string | null;
  version: number;
  /** Its texts, which people were told already: they stay to the letter. */
  begun: Texts | null;
  name: string;
  kind: string;
  flow: string;
  caller_id: string;
  priority: string;
  /** URL that is told of every attempt. */
  report_to: string;
  spoken: Record<string, Said>;
  subject: Said;
  mail: Said;
  sms: Said;
  /** The name under which the gateway's operator has registered the text. */
  template: string;
  /** What an agent has before them. */
  script: Said;
  /** As they follow one another. */
  channels: Channel[];
  zone: string;
  starts: string;
  ends: string;
  /** Monday first: "09:00-12:00 14:00-20:00". */
  week: string[];
  on_holidays: boolean;
  pacing: Record<"calls_per_second" | "max_channels" | "ring_seconds" | "abandon_percent", string> & Pick<Pacing, "mode" | "machine"> & { queue: string };
  most_attempts: string;
  most_per_number: string;
  retry: Record<string, DraftRule>;
}

/** JSON pointer into the body that is sent -> what is wrong there. */
export type Faults = Map<string, string>;

const nothing = (): Said => ({ zh: "", en: "" });

export function newDraft(choices: Choices): Draft {
  const flow = (choices.flows.find((one) => one.name === `campaign_${FIRST_KIND}`) ?? choices.flows[0])?.name ?? "";
  const today = wall(new Date(), ZONE);
  const until = new Date(today.getTime() + DAYS_VALID * 86_400_000);
  return {
    id: null,
    version: 0,
    begun: null,
    name: "",
    kind: FIRST_KIND,
    flow,
    caller_id: choices.caller_ids[0]?.name ?? "",
    priority: "0",
    report_to: "",
    spoken: {},
    subject: nothing(),
    mail: nothing(),
    sms: nothing(),
    template: "",
    script: nothing(),
    channels: ["telephone"],
    zone: ZONE,
    starts: `${today.toISOString().slice(0, 10)}T00:00`,
    ends: `${until.toISOString().slice(0, 10)}T00:00`,
    ...rulesOf(choices.windows, choices.pacing, choices.retry, choices),
  };
}

export function draftOf(campaign: Campaign, choices: Choices): Draft {
  const { texts } = campaign;
  return {
    id: campaign.id,
    version: campaign.version,
    begun: campaign.started_at === null ? null : texts,
    name: campaign.name,
    kind: campaign.kind,
    flow: campaign.flow,
    caller_id: campaign.caller_id,
    priority: String(campaign.priority),
    report_to: campaign.report_to,
    spoken: Object.fromEntries(Object.entries(texts.spoken).map(([name, said]) => [name, { ...said }])),
    subject: { ...nothing(), ...texts.email?.subject },
    mail: { ...nothing(), ...texts.email?.text },
    sms: { zh: texts.sms?.zh ?? "", en: texts.sms?.en ?? "" },
    template: texts.sms?.template ?? "",
    script: { ...nothing(), ...texts.script },
    channels: [...campaign.channels],
    zone: campaign.zone,
    starts: local(campaign.starts_at, campaign.zone),
    ends: local(campaign.ends_at, campaign.zone),
    ...rulesOf(campaign.windows, campaign.pacing, campaign.retry, choices),
  };
}

function rulesOf(windows: Campaign["windows"], pacing: Pacing, retry: Campaign["retry"], choices: Choices): Pick<Draft, "week" | "on_holidays" | "pacing" | "most_attempts" | "most_per_number" | "retry"> {
  const rule = (outcome: string): DraftRule => {
    const found = retry.after[outcome];
    const shown = found ?? choices.retry.after[outcome];
    return {
      on: found !== undefined,
      times: String(shown?.times ?? 1),
      after_minutes: String(shown?.after_minutes ?? 60),
      growth: String(shown?.growth ?? 1),
      spread_percent: String(shown?.spread_percent ?? 10),
      number: shown?.number ?? "same",
      part_of_day: shown?.part_of_day ?? "any",
    };
  };
  return {
    week: windows.week.map((day) => day.join(" ")),
    on_holidays: windows.on_holidays,
    pacing: {
      mode: pacing.mode,
      machine: pacing.machine,
      queue: pacing.queue ?? "",
      calls_per_second: String(pacing.calls_per_second),
      max_channels: String(pacing.max_channels),
      ring_seconds: String(pacing.ring_seconds),
      abandon_percent: String(pacing.abandon_percent),
    },
    most_attempts: String(retry.most_attempts),
    most_per_number: String(retry.most_per_number),
    retry: Object.fromEntries(RETRIED.map((outcome) => [outcome, rule(outcome)])),
  };
}

/** The texts that are wanted: those of the flow, then others that the campaign has. */
export function textNames(draft: Draft, choices: Choices): string[] {
  const wanted = choices.flows.find((one) => one.name === draft.flow)?.texts ?? [];
  const others = Object.keys(draft.spoken).filter((name) => !wanted.includes(name) && isSaid(draft.spoken[name]));
  return [...wanted, ...others];
}

/** Whether a flow speaks with those who answer, and no agent. */
export function isSpoken(draft: Draft): boolean {
  return draft.channels.includes("telephone") && draft.pacing.mode === "automatic";
}

export function isSaid(said: Said | undefined): boolean {
  return said !== undefined && (said.zh.trim() !== "" || said.en.trim() !== "");
}

export function spans(day: string): string[] {
  return day.split(/[\s,，、;；]+/).filter((one) => one !== "");
}

/** What the API takes. An empty number is null there: the API says what is wrong with it. */
export function bodyOf(draft: Draft, choices: Choices): Record<string, unknown> {
  const figure = (value: string): number | null => (value.trim() === "" || Number.isNaN(Number(value)) ? null : Number(value));
  const moment = (value: string): string | null => (value === "" ? null : instant(value, draft.zone));
  const texts: Texts = draft.begun ?? {
    spoken: Object.fromEntries((isSpoken(draft) ? textNames(draft, choices) : []).filter((name) => isSaid(draft.spoken[name])).map((name) => [name, draft.spoken[name] ?? nothing()])),
    email: draft.channels.includes("email") || isSaid(draft.subject) || isSaid(draft.mail) ? { subject: draft.subject, text: draft.mail } : null,
    sms: draft.channels.includes("sms") || isSaid(draft.sms) ? { ...draft.sms, template: draft.template } : null,
    script: isSaid(draft.script) ? draft.script : null,
  };
  const rules = Object.entries(draft.retry).filter(([, rule]) => rule.on);
  return {
    name: draft.name,
    kind: draft.kind,
    flow: draft.pacing.mode === "automatic" ? draft.flow : "",
    caller_id: draft.caller_id,
    priority: figure(draft.priority),
    report_to: draft.report_to.trim(),
    texts,
    channels: draft.channels,
    zone: draft.zone,
    starts_at: moment(draft.starts),
    ends_at: moment(draft.ends),
    windows: { week: draft.week.map(spans), on_holidays: draft.on_holidays },
    pacing: {
      mode: draft.pacing.mode,
      machine: draft.pacing.machine,
      queue: draft.pacing.queue === "" ? null : draft.pacing.queue,
      calls_per_second: figure(draft.pacing.calls_per_second),
      max_channels: figure(draft.pacing.max_channels),
      ring_seconds: figure(draft.pacing.ring_seconds),
      abandon_percent: figure(draft.pacing.abandon_percent),
    },
    retry: {
      most_attempts: figure(draft.most_attempts),
      most_per_number: figure(draft.most_per_number),
      after: Object.fromEntries(
        rules.map(([outcome, rule]) => [
          outcome,
          {
            times: figure(rule.times),
            after_minutes: figure(rule.after_minutes),
            growth: figure(rule.growth),
            spread_percent: figure(rule.spread_percent),
            number: rule.number,
            part_of_day: rule.part_of_day,
          },
        ]),
      ),
    },
    ...(draft.id === null ? {} : { version: draft.version }),
  };
}

/** What can be seen without asking: a text that would be missed in the call, hours that are none. */
export function lookOver(draft: Draft, choices: Choices): [string, string][] {
  const found: [string, string][] = [];
  if (!isZone(draft.zone)) found.push(["/zone", "zone"]);
  if (isSpoken(draft) && draft.begun === null) {
    for (const name of choices.flows.find((one) => one.name === draft.flow)?.texts ?? []) {
      if (!isSaid(draft.spoken[name])) found.push([`/texts/spoken/${name}`, "needed"]);
    }
  }
  draft.week.forEach((day, index) => {
    for (const span of spans(day)) {
      const [opens = "", closes = ""] = span.split("-");
      if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(opens) || !/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/.test(closes) || opens >= closes) found.push([`/windows/week/${index}`, "hours"]);
    }
  });
  return found;
}
