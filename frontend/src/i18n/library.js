import en from './library.en.json'
import zh from './library.zh.json'

/** Adds the texts about presets, styles and lists: they come with their dialog, and cost the first load nothing. */
export function addLibraryTexts(i18n) {
  for (const [language, library] of Object.entries({ en, zh })) i18n.addResourceBundle(language, 'translation', { library }, true)
}
