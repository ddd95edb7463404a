/** The console's words. */
import { translator } from "../shared/i18n";
import texts from "../texts/console.json";

export type ConsoleKey = keyof typeof texts;
export const t = translator(texts);

/** Words of a code of the API, or the code itself where a newer service has one that this page does not know. */
export function coded(prefix: string, code: string): string {
  const key = `${prefix}.${code}`;
  return key in texts ? t(key as ConsoleKey) : code;
}
