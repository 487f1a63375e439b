import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'

import { readStored, writeStored } from '../lib/storage.js'
import en from './en.json'
import zh from './zh.json'

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

/** Builds the translator; the page's `lang` follows the language. */
export function createI18n(language = detectLanguage()) {
  const i18n = i18next.createInstance()
  i18n.on('languageChanged', onLanguageChanged)
  i18n.use(initReactI18next).init({
    resources: { en: { translation: en }, zh: { translation: zh } },
    lng: language,
    fallbackLng: 'en',
    initAsync: false,
    showSupportNotice: false,
    interpolation: { escapeValue: false }, // React escapes.
  })
  return i18n
}
