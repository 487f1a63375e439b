import en from './models.en.json'
import zh from './models.zh.json'

/** Adds the texts about models: they come with their dialog, and cost the first load nothing. */
export function addModelTexts(i18n) {
  for (const [language, models] of Object.entries({ en, zh })) i18n.addResourceBundle(language, 'translation', { models }, true)
}
