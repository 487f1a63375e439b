import { useRef, useState } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useMode } from '../../hooks/kept/useMode.js'
import { usePreferences } from '../../hooks/kept/usePreferences.js'
import { THEMES, useTheme } from '../../hooks/kept/useTheme.js'
import { LANGUAGES, speak } from '../../i18n/index.js'
import { save } from '../../lib/images/save.js'
import { fromFile, toFile } from '../../lib/preferences.js'

const FILENAME = 'z-image-settings.json'
/** A file of settings has some hundred bytes. */
const MAX_BYTES = 100_000

/** All settings as one file, for another browser. */
export default function PreferencesFile() {
  const { t, i18n } = useTranslation()
  const { theme, setTheme } = useTheme()
  const [mode, setMode] = useMode()
  const [preferences, change] = usePreferences()
  const [said, setSaid] = useState(null)
  const inputRef = useRef(null)
  const write = () => {
    const text = toFile({ language: i18n.language, theme, mode, preferences })
    save(new Blob([text], { type: 'application/json' }), FILENAME)
  }
  const read = async (event) => {
    const [file] = event.target.files
    if (!file) return
    const choices = file.size <= MAX_BYTES ? fromFile(await file.text()) : null
    inputRef.current.value = '' // The same file may be chosen again.
    setSaid({ key: choices ? 'prefs.imported' : 'prefs.foreign', name: file.name, isError: !choices })
    if (!choices) return
    change(choices.preferences)
    if (THEMES.includes(choices.theme)) setTheme(choices.theme)
    if (['simple', 'advanced'].includes(choices.mode)) setMode(choices.mode)
    if (LANGUAGES.some(({ code }) => code === choices.language)) speak(i18n, choices.language)
  }
  return (
    <section>
      <h3>{t('prefs.file')}</h3>
      <div className="actions">
        <Button variant="outline-secondary" size="sm" onClick={write}>
          {t('prefs.export')}
        </Button>
        <Button variant="outline-secondary" size="sm" onClick={() => inputRef.current.click()}>
          {t('prefs.import')}
        </Button>
        <input ref={inputRef} type="file" accept=".json,application/json" hidden aria-label={t('prefs.import')} onChange={read} />
      </div>
      <p className={said?.isError ? 'field-error' : 'field-hint'} role="status">
        {said ? t(said.key, { name: said.name }) : t('prefs.kept_here')}
      </p>
    </section>
  )
}
