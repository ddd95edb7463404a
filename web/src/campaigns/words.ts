/** The words of the campaigns page. */
import { Problem, words } from "../shared/api";
import { coder, translator } from "../shared/i18n";
import texts from "../texts/campaigns.json";

export type CampaignKey = keyof typeof texts;
export const t = translator(texts);
export const coded = coder(texts);

/** What to show of any error: of a campaign that cannot be carried out, what it lacks. */
export function wordsOf(error: unknown): string {
  if (error instanceof Problem && error.code === "invalid-campaign") return coded("invalid", String(error.details["reason"]));
  return words(error);
}
