import { useTranslation } from 'react-i18next'

import { useInputUrls } from '../../../hooks/images/inputs/useInputUrls.js'
import Icon from '../../ui/Icon.jsx'

/**
 * One reference with its number, which the prompt may call it by. It is dragged to another place, or sent there by its
 * buttons: `onMove` is told the place, and which button did it.
 */
export default function ReferenceItem({ id, at, count, drag, onSize, onMove, onRemove }) {
  const { t } = useTranslation()
  const number = at + 1
  const { picture } = useInputUrls({ image: id })
  const way = (part, icon, to) => {
    const label = t(`refs.${part}`, { number })
    const isEnd = to < 0 || to >= count
    return (
      <button
        type="button"
        className="icon-button"
        data-part={part}
        aria-label={label}
        title={label}
        aria-disabled={isEnd}
        onClick={() => !isEnd && onMove(to, part)}
      >
        <Icon name={icon} size={16} />
      </button>
    )
  }
  const removeText = t('refs.remove', { number })
  return (
    <li className="reference" {...drag}>
      <span className="reference-picture">
        <img
          src={picture}
          alt={t('refs.alt', { number })}
          draggable={false}
          onLoad={({ target }) => onSize({ width: target.naturalWidth, height: target.naturalHeight })}
        />
        <span className="reference-number" aria-hidden="true">
          {number}
        </span>
      </span>
      <span className="reference-buttons">
        {count > 1 && way('earlier', 'left', at - 1)}
        {count > 1 && way('later', 'right', at + 1)}
        <button type="button" className="icon-button" data-part="remove" aria-label={removeText} title={removeText} onClick={onRemove}>
          <Icon name="close" size={16} />
        </button>
      </span>
    </li>
  )
}
