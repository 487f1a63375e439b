import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { usePreferences } from '../../hooks/kept/usePreferences.js'
import { CARD_MAX_PX, CARD_MIN_PX, CARD_STEP_PX } from '../../lib/images/cards.js'

/** How large the cards of the gallery are. */
export default function CardSize() {
  const { t } = useTranslation()
  const [{ card_px: cardPx }, change] = usePreferences()
  return (
    <Form.Range
      className="card-size"
      aria-label={t('gallery.cardSize')}
      title={t('gallery.cardSize')}
      aria-valuetext={`${cardPx} px`}
      min={CARD_MIN_PX}
      max={CARD_MAX_PX}
      step={CARD_STEP_PX}
      value={cardPx}
      onChange={(event) => change({ card_px: Number(event.target.value) })}
    />
  )
}
