/** The desk's words. */
import { coder, translator } from "../shared/i18n";
import texts from "../texts/desk.json";

export const t = translator(texts);
export const coded = coder(texts);
