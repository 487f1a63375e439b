import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'

import { useTokenCount } from '../../../hooks/generate/useTokenCount.js'
import { useAnnounce } from '../../../hooks/ui/useAnnounce.js'
import { firstWords, unreadPart } from '../../../lib/generate/unread.js'

/** From this share of the limit on the meter warns. */
const NEAR = 0.9

function levelOf({ tokens, limit, truncated }) {
  if (truncated) return 'over'
  return tokens >= limit * NEAR ? 'near' : 'fine'
}

function warning(unread, t) {
  if (!unread) return t('form.tokensOver')
  return t('form.tokensUnread', { count: [...unread].length, from: firstWords(unread) })
}

/** How much of the model's limit a prompt takes. What lies beyond, the model never sees. */
export default function TokenMeter({ prompt, model }) {
  const { t } = useTranslation()
  const announce = useAnnounce()
  const count = useTokenCount(prompt, model)
  const isCut = Boolean(count?.truncated)
  useEffect(() => {
    if (isCut) announce(t('form.tokensOver'))
  }, [isCut, announce, t])
  if (!count) return null
  const { tokens, limit } = count
  const level = levelOf(count)
  return (
    <p className={`token-meter token-${level}`}>
      {t('form.tokens', { count: tokens, limit })}
      {level === 'near' && <strong> {t('form.tokensNear')}</strong>}
      {level === 'over' && <strong> {warning(unreadPart(prompt, count), t)}</strong>}
    </p>
  )
}
