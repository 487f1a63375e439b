import en from './loras.en.json'
import zh from './loras.zh.json'

/** Adds the texts about LoRAs, as `loras`: they come with the first of them, and cost the first load nothing. */
export function addLoraTexts(i18n) {
  for (const [language, loras] of Object.entries({ en, zh })) i18n.addResourceBundle(language, 'translation', { loras }, true)
}
