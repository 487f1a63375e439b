import { useTranslation } from 'react-i18next'

import { plainParts, unknownLists } from '../../../lib/generate/foreign.js'

/** Says which signs in a prompt do not mean here what they may be meant to. */
export default function PlainParts({ prompt, lists }) {
  const { t, i18n } = useTranslation()
  const list = new Intl.ListFormat(i18n.language, { type: 'unit', style: 'short' })
  const parts = plainParts(prompt)
  const names = unknownLists(prompt, lists)
  return (
    <>
      {parts.length > 0 && <p className="prompt-plain">{t('form.plainParts', { parts: list.format(parts) })}</p>}
      {names.length > 0 && <p className="prompt-plain">{t('form.unknownLists', { names: list.format(names) })}</p>}
    </>
  )
}
