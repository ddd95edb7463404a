/** The words of the workload page. */
import { coder, translator } from "../shared/i18n";
import texts from "../texts/workload.json";

export type WorkloadKey = keyof typeof texts;
export const t = translator(texts);
export const coded = coder(texts);
