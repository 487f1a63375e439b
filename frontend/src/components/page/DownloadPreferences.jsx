import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { usePreferences } from '../../hooks/kept/usePreferences.js'
import { DEFAULT_PATTERN, filenameOf, FORMATS, PATTERN_MAX, wordsOf } from '../../lib/images/filename.js'
import Field from '../ui/Field.jsx'
import Choice from './Choice.jsx'

/** A picture that every pattern can be tried on. */
const EXAMPLE = {
  filename: '20260301_120000_5f3a.png',
  created_at: '2026-03-01T12:00:00',
  prompt: 'a red fox / 一只红狐狸',
  seed: 4711,
  model: 'z-image-turbo',
  width: 1024,
  height: 768,
  num_inference_steps: 9,
}
const WORDS = Object.keys(wordsOf(EXAMPLE)).map((word) => `{${word}}`)

/** In which format and under which name pictures are saved. */
export default function DownloadPreferences() {
  const { t } = useTranslation()
  const [{ format, pattern }, change] = usePreferences()
  const isDefault = pattern === DEFAULT_PATTERN
  return (
    <section>
      <h3>{t('prefs.downloads')}</h3>
      <Choice
        label={t('prefs.format')}
        value={format}
        options={Object.keys(FORMATS).map((name) => [name, t(`prefs.formats.${name}`)])}
        onChange={(name) => change({ format: name })}
      />
      <p className="field-hint">
        {t(format === 'png' ? 'prefs.kept' : 'prefs.lost')} {format !== 'png' && t('prefs.zip')}
      </p>
      <Field
        label={t('prefs.pattern')}
        hint={t('prefs.patternHint', { words: WORDS.join(' ') })}
        onReset={isDefault ? undefined : () => change({ pattern: DEFAULT_PATTERN })}
      >
        {(control) => (
          <Form.Control
            {...control}
            spellCheck={false}
            maxLength={PATTERN_MAX}
            value={pattern}
            onChange={(event) => change({ pattern: event.target.value })}
          />
        )}
      </Field>
      <output className="filename">{t('prefs.example', { name: filenameOf(EXAMPLE, pattern, format) })}</output>
    </section>
  )
}
