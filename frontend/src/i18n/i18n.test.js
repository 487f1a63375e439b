import { describe, expect, it, vi } from 'vitest'

import canvasEn from './canvas.en.json'
import canvasZh from './canvas.zh.json'
import mainEn from './en.json'
import { createI18n, detectLanguage, loadI18n, speak } from './index.js'
import libraryEn from './library.en.json'
import libraryZh from './library.zh.json'
import lorasEn from './loras.en.json'
import lorasZh from './loras.zh.json'
import modelsEn from './models.en.json'
import modelsZh from './models.zh.json'
import refsEn from './references.en.json'
import refsZh from './references.zh.json'
import prefsEn from './preferences.en.json'
import prefsZh from './preferences.zh.json'
import mainZh from './zh.json'

const en = { ...mainEn, prefs: prefsEn, canvas: canvasEn, loras: lorasEn, refs: refsEn, models: { ...mainEn.models, ...modelsEn }, library: { ...mainEn.library, ...libraryEn } }
const zh = { ...mainZh, prefs: prefsZh, canvas: canvasZh, loras: lorasZh, refs: refsZh, models: { ...mainZh.models, ...modelsZh }, library: { ...mainZh.library, ...libraryZh } }

const sources = import.meta.glob('../**/*.{js,jsx}', { query: '?raw', import: 'default', eager: true })
const code = Object.entries(sources)
  .filter(([path]) => !path.includes('.test.') && !path.includes('/test/'))
  .map(([, text]) => text)
  .join('\n')

function flatten(tree, prefix = '') {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [[prefix + key, value]] : flatten(value, `${prefix}${key}.`),
  )
}

const english = new Map(flatten(en))
const chinese = new Map(flatten(zh))
const stem = (key) => key.replace(/_(one|other)$/, '')
const stems = (texts) => new Set([...texts.keys()].map(stem))
const variables = (text) => [...text.matchAll(/{{(\w+)/g)].map(([, name]) => name).sort()

describe('the translations', () => {
  it('have the same keys in both languages', () => expect([...stems(chinese)]).toEqual([...stems(english)]))

  it('use the same variables in both languages', () => {
    for (const [key, text] of chinese) expect([key, variables(text)]).toEqual([key, variables(english.get(key))])
  })

  it('call a mask by one name', () => expect([...chinese.values()].filter((text) => text.includes('遮罩'))).toEqual([]))

  it('hold every key that the code names', () => {
    const named = [...code.matchAll(/'((?:\w+\.)+\w+)'/g)].map(([, key]) => key)
    const areas = Object.keys(en)
    const missing = named.filter((key) => areas.includes(key.split('.')[0]) && !stems(english).has(key))
    expect(missing).toEqual([])
  })

  it('hold no key that the code never names', () => {
    const dynamic = /^(errors|edit\.side|control|fieldErrors|taskErrors|image|app\.theme|task|form\.mode|filter\.views|system|models|help|preferences|prefs|canvas|refs|library\.styles|loras\.(remark|state|sorts))\./
    const unused = [...stems(english)].filter((key) => !code.includes(`'${key}'`) && !dynamic.test(key))
    expect(unused).toEqual([])
  })
})

describe('detectLanguage', () => {
  it.each([
    [['zh-CN', 'en'], 'zh'],
    [['fr', 'zh-Hant-TW'], 'zh'],
    [['en-GB', 'zh'], 'en'],
    [['fr'], 'en'],
  ])('of %j is %s', (languages, expected) => {
    vi.spyOn(navigator, 'languages', 'get').mockReturnValue(languages)
    expect(detectLanguage()).toBe(expected)
  })

  it('prefers what was chosen before', async () => {
    await speak(createI18n('en', { en }), 'zh')
    expect([detectLanguage(), document.documentElement.lang]).toEqual(['zh', 'zh-Hans'])
  })
})

describe('the texts', () => {
  it.each(['models', 'help', 'preferences'])('of the first load name the button that opens %s', (name) => {
    expect([mainEn[name].title, mainZh[name].title]).toEqual([expect.any(String), expect.any(String)])
  })

  it('are of one language, until another one is spoken', async () => {
    vi.spyOn(navigator, 'languages', 'get').mockReturnValue(['zh-CN'])
    const i18n = await loadI18n()
    expect([i18n.t('app.language'), i18n.hasResourceBundle('en', 'translation')]).toEqual([mainZh.app.language, false])
    await speak(i18n, 'en')
    expect(i18n.t('app.language')).toBe(mainEn.app.language)
  })
})
