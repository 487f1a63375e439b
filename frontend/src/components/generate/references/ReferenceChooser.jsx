import { useTranslation } from 'react-i18next'

import Icon from '../../ui/Icon.jsx'

/** The way to the first references, and to more. `hintId` names what explains it. */
export default function ReferenceChooser({ isFirst, isAdding, hintId, onOpen }) {
  const { t } = useTranslation()
  const text = t(isAdding ? 'refs.adding' : 'refs.add')
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
