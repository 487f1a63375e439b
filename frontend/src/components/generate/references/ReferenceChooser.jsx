import { useTranslation } from 'react-i18next'

import Icon from '../../ui/Icon.jsx'

/** The way to the first references, and to more. `arriving` are the names of those on their way; `hintId` names what explains it. */
export default function ReferenceChooser({ isFirst, arriving, hintId, onOpen }) {
  const { t } = useTranslation()
  const isAdding = arriving.length > 0
  const text = isAdding ? t('refs.adding', { names: arriving.filter(Boolean).join(', ') }) : t('refs.add')
  const button = { type: 'button', 'aria-disabled': isAdding, onClick: () => isAdding || onOpen() }
  if (!isFirst) {
    return (
      <button className="chip reference-add" {...button}>
        <Icon name="plus" size={14} /> {text}
      </button>
    )
  }
  return (
    <button className="source-open reference-add" aria-label={text} aria-describedby={hintId} {...button}>
      <Icon name="layers" size={22} />
      <span>
        <strong>{text}</strong>
        <span className="muted" id={hintId}>
          {t('refs.hint')}
        </span>
      </span>
    </button>
  )
}
