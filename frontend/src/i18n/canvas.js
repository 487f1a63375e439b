import en from './canvas.en.json'
import zh from './canvas.zh.json'

/** Adds the texts of the canvas, as `canvas`: they come with it, and cost the first load nothing. */
export function addCanvasTexts(i18n) {
  for (const [language, canvas] of Object.entries({ en, zh })) i18n.addResourceBundle(language, 'translation', { canvas }, true)
}
