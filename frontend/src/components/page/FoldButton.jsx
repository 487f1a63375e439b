import { useTranslation } from 'react-i18next'

import { useHasKeyboard } from '../../hooks/input/useHasKeyboard.js'
import { useHotkeys } from '../../hooks/input/useHotkeys.js'
import Icon from '../ui/Icon.jsx'

/** Folds the form's column away and brings it back. `controls` is the column's id. */
export default function FoldButton({ folded, controls, onToggle }) {
  const { t } = useTranslation()
  const hasKeyboard = useHasKeyboard()
  useHotkeys({ o: onToggle })
  const text = t(folded ? 'form.unfold' : 'form.fold')
  return (
    <button
      type="button"
      className="icon-button fold-button"
      aria-label={text}
      title={hasKeyboard ? `${text} (O)` : text}
      aria-expanded={!folded}
      aria-controls={controls}
      onClick={onToggle}
    >
      <Icon name="column" />
    </button>
  )
}
