import { useState } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useAbilities } from '../../hooks/server/useAbilities.js'
import { MOST_COMPARED } from '../../lib/opened.js'
import Icon from '../ui/Icon.jsx'
import TagInput from '../ui/TagInput.jsx'

function BulkButton({ icon, label, ...button }) {
  return (
    <Button variant="outline-secondary" size="sm" {...button}>
      <Icon name={icon} size={16} /> <span>{label}</span>
    </Button>
  )
}

function LivingActions({ ids, actions, onCompare, onRefer, onDone }) {
  const { t } = useTranslation()
  const { refers } = useAbilities()
  return (
    <>
      {refers && <BulkButton icon="layers" label={t('references.useMany', { count: ids.length })} onClick={onRefer} />}
      <BulkButton icon="heart" label={t('image.favourite')} onClick={() => actions.favour(ids, true)} />
      <TagInput onTag={(name) => actions.tag(ids, name)} />
      <BulkButton icon="download" label={t('gallery.zip')} onClick={() => actions.download(ids)} />
      <BulkButton icon="compare" label={t('compare.action')} disabled={ids.length < 2 || ids.length > MOST_COMPARED} onClick={onCompare} />
      <BulkButton icon="trash" label={t('common.delete')} onClick={() => actions.trash(ids).then(onDone)} />
    </>
  )
}

function TrashActions({ ids, actions, onPurge, onDone }) {
  const { t } = useTranslation()
  return (
    <>
      <BulkButton icon="restore" label={t('gallery.restore')} onClick={() => actions.restore(ids).then(onDone)} />
      <BulkButton icon="trash" label={t('gallery.purge')} onClick={onPurge} />
    </>
  )
}

/**
 * What can be done with the chosen pictures. `total` is how many the gallery's filters find, `findEvery` promises them.
 */
export default function BulkBar({ selection, trash, total, findEvery, actions, onCompare, onRefer, onPurge }) {
  const { t } = useTranslation()
  const [finding, setFinding] = useState(false)
  const chooseEvery = async () => {
    setFinding(true)
    selection.add((await findEvery()) ?? [])
    setFinding(false)
  }
  const ids = selection.chosen.map(({ id }) => id)
  if (ids.length === 0) return null
  return (
    <div className="bulk-bar" role="toolbar" aria-label={t('gallery.bulk')}>
      <span className="bulk-count">{t('gallery.chosen', { count: ids.length })}</span>
      {trash ? (
        <TrashActions ids={ids} actions={actions} onPurge={onPurge} onDone={selection.clear} />
      ) : (
        <LivingActions ids={ids} actions={actions} onCompare={onCompare} onRefer={onRefer} onDone={selection.clear} />
      )}
      <Button variant="link" size="sm" onClick={selection.all}>
        {t('gallery.chooseAll')}
      </Button>
      {total > ids.length && (
        <Button variant="link" size="sm" disabled={finding} onClick={chooseEvery}>
          {t('gallery.chooseEvery', { count: total })}
        </Button>
      )}
      <button
        type="button"
        className="icon-button bulk-close"
        aria-label={t('gallery.chooseNone')}
        title={t('gallery.chooseNone')}
        onClick={selection.clear}
      >
        <Icon name="close" size={16} />
      </button>
    </div>
  )
}
