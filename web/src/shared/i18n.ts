/** Words in Chinese and English: one JSON file per page in texts/, each key with both. */

import common from "../texts/common.json";

export type Language = "zh" | "en";
type Texts = Record<string, { zh: string; en: string }>;
type Values = Record<string, string | number>;
export type CommonKey = keyof typeof common;

const KEPT = "callcenter.language";
const listeners = new Set<() => void>();
let current: Language = localStorage.getItem(KEPT) === "en" ? "en" : "zh";
document.documentElement.lang = current === "zh" ? "zh-CN" : "en";

export function language(): Language {
  return current;
}

export function setLanguage(chosen: Language): void {
  current = chosen;
  localStorage.setItem(KEPT, chosen);
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  for (const listener of listeners) listener();
}

/** `act` runs after each change: pages draw themselves anew. */
export function whenLanguageChanges(act: () => void): void {
  listeners.add(act);
}

/** A page's own words: `const t = translator(texts)`; the common keys are in it too. */
export function translator<Own extends Texts>(own: Own): (key: keyof Own | CommonKey, values?: Values) => string {
  const all: Texts = { ...common, ...own };
  return (key, values = {}) => {
    const text = all[key as string]?.[current] ?? String(key);
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
  };
}

/** Words of a code of the API (`key: prefix.code`), or the code itself where a newer service has one that this page
 * does not know. */
export function coder(own: Texts): (prefix: string, code: string) => string {
  const all: Texts = { ...common, ...own };
  return (prefix, code) => all[`${prefix}.${code}`]?.[current] ?? code;
}

export const t = translator({});

/** Of a record with label_zh and label_en (or name_zh and name_en). */
export function label(record: { label_zh: string; label_en: string }): string {
  return current === "en" ? record.label_en : record.label_zh;
}

const locale = (): string => (current === "en" ? "en-GB" : "zh-CN");

/** 09:05, or 09:05:07. */
export function clock(at: string | Date, withSeconds = false): string {
  const options: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hour12: false };
  if (withSeconds) options.second = "2-digit";
  return new Date(at).toLocaleTimeString(locale(), options);
}

export function day(at: string | Date): string {
  return new Date(at).toLocaleDateString(locale(), { year: "numeric", month: "short", day: "numeric" });
}

export function moment(at: string | Date): string {
  return `${day(at)} ${clock(at)}`;
}

/** The time alone where it was today. */
export function when(at: string | Date): string {
  return new Date(at).toDateString() === new Date().toDateString() ? clock(at) : moment(at);
}

/** Seconds as 1:05 or 1:02:03. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
