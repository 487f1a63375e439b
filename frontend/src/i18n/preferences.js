import en from './preferences.en.json'
import zh from './preferences.zh.json'

/** Adds the texts of the settings, as `prefs`: they come with their dialog, and cost the first load nothing. */
export function addPreferenceTexts(i18n) {
  for (const [language, prefs] of Object.entries({ en, zh })) i18n.addResourceBundle(language, 'translation', { prefs }, true)
}
