import { useState } from 'react'
import Button from 'react-bootstrap/Button'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { usePreferences } from '../../hooks/kept/usePreferences.js'
import { playChime } from '../../lib/attention/chime.js'
import { askForNotices, noticeObstacle } from '../../lib/attention/notice.js'

const WHY = { insecure: 'prefs.notifyInsecure', unknown: 'prefs.notifyUnknown', denied: 'prefs.notifyDenied' }

/** How people who look elsewhere hear that pictures are done, and what they are asked. */
export default function AttentionPreferences() {
  const { t } = useTranslation()
  const [{ notify, sound, ask_purge: askPurge }, change] = usePreferences()
  const [obstacle, setObstacle] = useState(noticeObstacle)
  const wantNotices = async (event) => {
    const isWanted = event.target.checked
    const isAllowed = isWanted && (await askForNotices())
    setObstacle(noticeObstacle())
    change({ notify: isAllowed })
  }
  return (
    <section>
      <h3>{t('prefs.attention')}</h3>
      <p className="field-hint">{t('prefs.attentionHint')}</p>
      <Form.Check
        type="switch"
        id="prefs-notify"
        label={t('prefs.notify')}
        aria-describedby={obstacle ? 'prefs-obstacle' : undefined}
        disabled={obstacle !== null}
        checked={notify && obstacle === null}
        onChange={wantNotices}
      />
      {obstacle && (
        <p id="prefs-obstacle" className="field-hint">
          {t(WHY[obstacle])}
        </p>
      )}
      <div className="choice">
        <Form.Check
          type="switch"
          id="prefs-sound"
          label={t('prefs.sound')}
          checked={sound}
          onChange={(event) => change({ sound: event.target.checked })}
        />
        <Button variant="outline-secondary" size="sm" onClick={playChime}>
          {t('prefs.soundTry')}
        </Button>
      </div>
      <h3>{t('prefs.confirmations')}</h3>
      <Form.Check
        type="switch"
        id="prefs-purge"
        label={t('prefs.askPurge')}
        checked={askPurge}
        onChange={(event) => change({ ask_purge: event.target.checked })}
      />
      <p className="field-hint">{t('prefs.askHint')}</p>
    </section>
  )
}
