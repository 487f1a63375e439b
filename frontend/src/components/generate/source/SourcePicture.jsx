import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { usePictureFile } from '../../../hooks/generate/usePictureFile.jsx'
import { open as openDialog } from '../../../hooks/ui/useOpened.js'
import { grows, NO_GROWTH, OWN } from '../../../lib/generate/edit.js'
import Icon from '../../ui/Icon.jsx'
import MaskedPicture from './MaskedPicture.jsx'
import StopButton from './StopButton.jsx'

const SIDES = ['top', 'right', 'bottom', 'left']

/** What is done to the picture, in words: nothing where all of it is drawn anew. */
function useSummary({ mask, mask_mode: mode, growth, upscale }) {
  const { t } = useTranslation()
  const isGrowing = grows({ growth })
  const masked = upscale > 1 && !isGrowing ? 'edit.largerMask' : mode === 'only_masked' && !isGrowing ? 'edit.onlyMasked' : 'edit.masked'
  const sides = SIDES.filter((side) => growth[side] > 0).map((side) => t(`edit.side.${side}`, { count: growth[side] }))
  return [
    mask && t(masked),
    sides.length > 0 && t('edit.grows', { sides: sides.join(', ') }),
  ].filter(Boolean)
}

/** What can be done to the picture that is there. */
function Ways({ edit, onMask, onEdit, onRemove }) {
  const { t } = useTranslation()
  const isPlain = !edit.mask && !grows(edit)
  return (
    <>
      <Button variant="outline-secondary" size="sm" aria-haspopup="dialog" onClick={() => openDialog({ dialog: 'canvas' })}>
        <Icon name="brush" /> {t('edit.paint')}
      </Button>
      {edit.has_alpha && !edit.mask && (
        <Button variant="outline-secondary" size="sm" onClick={onMask}>
          {t('edit.maskTransparent')}
        </Button>
      )}
      {!isPlain && (
        <Button variant="link" size="sm" onClick={() => onEdit({ mask: null, growth: NO_GROWTH, canvas: OWN })}>
          {t('edit.plain')}
        </Button>
      )}
      <Button variant="link" size="sm" onClick={onRemove}>
        {t('edit.remove')}
      </Button>
    </>
  )
}

/**
 * The chosen picture, small, with its mask, and the ways to change both; or, while another one is on its way, `arriving`
 * by name, that, for nothing that is done to this one would stay.
 */
export default function SourcePicture({ edit, arriving, onChoose, onStop, ...ways }) {
  const { t } = useTranslation()
  const { open, input } = usePictureFile(onChoose, 'source-file')
  const summary = useSummary(edit).join(' · ') || t('edit.whole')
  const isArriving = arriving !== undefined
  return (
    <div className="source-row">
      <button type="button" className="source-thumb" aria-label={t('edit.replace')} title={t('edit.replace')} onClick={open}>
        <MaskedPicture edit={edit} alt={t('edit.alt')} />
      </button>
      {input}
      <div className="source-what">
        <p>{isArriving ? t('edit.loading', { name: arriving }) : summary}</p>
        <div className="actions">
          {isArriving ? <StopButton onStop={onStop} /> : <Ways edit={edit} {...ways} />}
        </div>
      </div>
    </div>
  )
}
