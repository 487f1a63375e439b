import { useState } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useBulkTags } from '../../hooks/images/cards/useBulkTags.js'
import { useAbilities } from '../../hooks/server/useAbilities.js'
import { MOST_COMPARED } from '../../lib/opened.js'
import Icon from '../ui/Icon.jsx'
import TagInput from '../ui/TagInput.jsx'
import UntagMenu from './UntagMenu.jsx'

/** Where there is little room its label is not seen, but it is still its name. */
function BulkButton({ icon, filled, label, ...button }) {
  return (
    <Button variant="outline-secondary" size="sm" title={label} {...button}>
      <Icon name={icon} size={16} filled={filled} /> <span className="bulk-label">{label}</span>
    </Button>
  )
}

function LivingActions({ chosen, actions, onCompare, onRefer, onDone }) {
  const { t } = useTranslation()
  const { tag, untag } = useBulkTags(chosen, actions)
  const { refers } = useAbilities()
  const ids = chosen.map(({ id }) => id)
  const isLoved = chosen.every(({ favourite }) => favourite)
  return (
    <>
      {refers && <BulkButton icon="layers" label={t('references.useMany', { count: ids.length })} onClick={onRefer} />}
      <BulkButton
        icon="heart"
        filled={isLoved}
        label={isLoved ? t('gallery.unfavour') : t('image.favourite')}
        onClick={() => actions.favour(ids, !isLoved)}
      />
      <TagInput onTag={tag} />
      <UntagMenu images={chosen} onUntag={untag} />
      <BulkButton icon="download" label={t('gallery.zip')} onClick={() => actions.download(ids)} />
      <BulkButton icon="compare" label={t('compare.action')} disabled={ids.length < 2 || ids.length > MOST_COMPARED} onClick={onCompare} />
      <BulkButton icon="trash" label={t('common.delete')} onClick={() => actions.trash(ids).then(onDone)} />
    </>
  )
}

function TrashActions({ chosen, actions, onPurge, onDone }) {
  const { t } = useTranslation()
  const ids = chosen.map(({ id }) => id)
  return (
    <>
      <BulkButton icon="restore" label={t('gallery.restore')} onClick={() => actions.restore(ids).then(onDone)} />
      <BulkButton icon="trash" label={t('gallery.purge')} onClick={onPurge} />
    </>
  )
}

/** Chooses more; seen in few words, since there is little room. */
function MoreButton({ label, children, ...button }) {
  return (
    <Button variant="link" size="sm" aria-label={label} title={label} {...button}>
      {children}
    </Button>
  )
}

/**
 * What can be done with the pictures that are `chosen`, of which there is one at least. `total` is how many the gallery's
 * filters find, `findEvery` promises them.
 */
export default function BulkBar({ selection, chosen, trash, total, findEvery, actions, onCompare, onRefer, onPurge }) {
  const { t } = useTranslation()
  const [finding, setFinding] = useState(false)
  const chooseEvery = async () => {
    setFinding(true)
    selection.add((await findEvery()) ?? [])
    setFinding(false)
  }
  return (
    <div className="bulk-bar" role="toolbar" aria-label={t('gallery.bulk')}>
      <span className="bulk-count">{t('gallery.chosen', { count: chosen.length })}</span>
      <div className="bulk-actions">
        {trash ? (
          <TrashActions chosen={chosen} actions={actions} onPurge={onPurge} onDone={selection.clear} />
        ) : (
          <LivingActions chosen={chosen} actions={actions} onCompare={onCompare} onRefer={onRefer} onDone={selection.clear} />
        )}
      </div>
      <MoreButton label={t('gallery.chooseAll')} onClick={selection.all}>
        {t('gallery.allHere')}
      </MoreButton>
      {total > chosen.length && (
        <MoreButton label={t('gallery.chooseEvery', { count: total })} disabled={finding} onClick={chooseEvery}>
          {t('gallery.all', { count: total })}
        </MoreButton>
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
