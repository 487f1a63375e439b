import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'

import { readStored, writeStored } from '../lib/storage.js'

/** Each language comes when it is spoken: the first load has one. */
const TEXTS = { en: () => import('./en.json'), zh: () => import('./zh.json') }
export const LANGUAGES = [
  { code: 'en', htmlLang: 'en', name: 'English', short: 'EN' },
  { code: 'zh', htmlLang: 'zh-Hans', name: '中文', short: '中文' },
]
const KEY = 'zimage.language'

function isKnown(code) {
  return LANGUAGES.some((language) => language.code === code)
}

/** The language chosen before, else the first of the browser's that we speak, else English. */
export function detectLanguage() {
  const stored = readStored(KEY, (code) => code, null)
  if (isKnown(stored)) return stored
  const spoken = (navigator.languages ?? []).map((tag) => tag.toLowerCase().split('-')[0])
  return spoken.find(isKnown) ?? 'en'
}

function onLanguageChanged(code) {
  const language = LANGUAGES.find((candidate) => candidate.code === code)
  document.documentElement.lang = language?.htmlLang ?? code
  writeStored(KEY, code)
}

/** Builds the translator from `texts` by languages, of which there is `language` at least; the page's `lang` follows it. */
export function createI18n(language, texts) {
  const i18n = i18next.createInstance()
  i18n.on('languageChanged', onLanguageChanged)
  i18n.use(initReactI18next).init({
    resources: Object.fromEntries(Object.entries(texts).map(([code, translation]) => [code, { translation }])),
    lng: language,
    fallbackLng: 'en',
    initAsync: false,
    showSupportNotice: false,
    interpolation: { escapeValue: false }, // React escapes.
  })
  return i18n
}

async function textsOf(code) {
  return (await TEXTS[code]()).default
}

/** Promises the translator in this person's language. */
export async function loadI18n() {
  const language = detectLanguage()
  return createI18n(language, { [language]: await textsOf(language) })
}

/** Changes the language when its texts are here; where they cannot be fetched, it stays. */
export async function speak(i18n, code) {
  const texts = await textsOf(code).catch(() => null)
  if (!texts) return
  i18n.addResourceBundle(code, 'translation', texts, true)
  await i18n.changeLanguage(code)
}
