import en from './references.en.json'
import zh from './references.zh.json'

/** Adds the texts about references, as `refs`: they come with the field, and cost the first load nothing. */
export function addReferenceTexts(i18n) {
  for (const [language, refs] of Object.entries({ en, zh })) i18n.addResourceBundle(language, 'translation', { refs }, true)
}
