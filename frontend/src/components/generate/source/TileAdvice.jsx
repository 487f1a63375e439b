import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useModels } from '../../../hooks/server/useModels.js'
import { tileControl, tileNet } from '../../../lib/generate/control.js'
import { TILE_STRENGTH, usualStrength } from '../../../lib/generate/edit.js'
import Notice from '../../ui/Notice.jsx'

const percentOf = (share) => Math.round(100 * share)

/** Says that tiles are drawn too freely, and offers what holds them: less strength, or a Tile ControlNet that is here. */
export default function TileAdvice({ edit, isGuided, onEdit, onGuide }) {
  const { t } = useTranslation()
  const { data } = useModels()
  const net = isGuided && tileNet(data?.controls ?? [])
  return (
    <Notice tone="warning" role="status">
      {t('edit.tilesFree', { percent: percentOf(TILE_STRENGTH) })}
      <span className="source-advice">
        <Button variant="outline-secondary" size="sm" onClick={() => onEdit({ strength: null })}>
          {t('edit.lower', { percent: percentOf(usualStrength(edit)) })}
        </Button>
        {net && (
          <Button variant="outline-secondary" size="sm" onClick={() => onGuide(tileControl(edit.image, net))}>
            {t('edit.addTile')}
          </Button>
        )}
      </span>
    </Notice>
  )
}
