import { useId } from 'react'
import { useTranslation } from 'react-i18next'

import { titleOf } from '../../lib/loras/catalogue.js'
import { sizeOf } from '../../lib/models/variants.js'
import Icon from '../ui/Icon.jsx'
import DeleteLora from './DeleteLora.jsx'
import LoraPreview from './LoraPreview.jsx'

const PREVIEW_ICON_PX = 36
/** Other shapes than the usual one, as their makers write them. */
const KINDS = { lokr: 'LoKr', loha: 'LoHa', dora: 'DoRA', diff: 'diff', mixed: 'LoRA +' }

/** What is known of it in a line or two, and what is wrong with it. */
function Facts({ id, lora }) {
  const { t } = useTranslation()
  const { title, name, kind, rank, base, size_bytes: bytes, trigger_words: words = [] } = lora
  const note = lora.problem || lora.warning
  const facts = [KINDS[kind], rank && t('loras.rank', { rank }), base, sizeOf(bytes)].filter(Boolean).join(' · ')
  return (
    <div id={id} className="lora-facts">
      {title && title !== name && <span className="lora-file">{name}</span>}
      <span>{facts}</span>
      {words.length > 0 && <span className="lora-calls">{words.join(', ')}</span>}
      {note && (
        <span lang="en" title={note} className={lora.problem ? 'lora-bad' : 'lora-warned'}>
          {note}
        </span>
      )}
    </div>
  )
}

/** A LoRA in the picker: pressed where it is chosen, greyed with the reason where it cannot be used. */
export default function LoraTile({ lora, isChosen, isFresh, isStop, onFocus, onToggle, onGone }) {
  const { t } = useTranslation()
  const factsId = useId()
  const title = titleOf(lora)
  const isUsable = !lora.problem
  return (
    <li className={`lora-tile ${isUsable ? '' : 'lora-unusable'}`}>
      <button
        type="button"
        className="lora-choose"
        data-lora={lora.name}
        tabIndex={isStop ? 0 : -1}
        aria-describedby={factsId}
        aria-pressed={isUsable ? isChosen : undefined}
        // A disabled button could not be reached, and its reason not be read.
        aria-disabled={isUsable ? undefined : true}
        onFocus={onFocus}
        onClick={() => isUsable && onToggle()}
      >
        <LoraPreview lora={lora} size={PREVIEW_ICON_PX} />
        <span className="lora-title">{title}</span>
      </button>
      <Facts id={factsId} lora={lora} />
      {isChosen && (
        <span className="lora-check">
          <Icon name="check" size={16} />
        </span>
      )}
      {isFresh && <span className="lora-badge">{t('loras.new')}</span>}
      {lora.is_own && <DeleteLora lora={lora} isStop={isStop} onGone={onGone} />}
    </li>
  )
}
