/** The words of the campaigns page. */
import { coder, translator } from "../shared/i18n";
import texts from "../texts/campaigns.json";

export type CampaignKey = keyof typeof texts;
export const t = translator(texts);
export const coded = coder(texts);
