import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { advisedStrength } from '../../lib/generate/loras.js'
import Icon from '../ui/Icon.jsx'
import LoraPreview from './LoraPreview.jsx'
import LoraRange from './LoraRange.jsx'
import LoraRemarks from './LoraRemarks.jsx'
import StrengthField from './StrengthField.jsx'
import TriggerWords from './TriggerWords.jsx'

/** Its name, whether it acts, and the way to be rid of it. */
function Head({ use, lora, title, onChange, onRemove }) {
  const { t } = useTranslation()
  const isNamedElse = title !== use.name
  const removeText = t('loras.remove', { name: title })
  return (
    <div className="lora-head">
      <LoraPreview lora={lora} />
      <p className="lora-name">
        <strong title={title}>{title}</strong>
        {isNamedElse && <span className="muted">{use.name}</span>}
      </p>
      <Form.Check
        type="switch"
        aria-label={t('loras.on', { name: title })}
        title={t(use.on ? 'loras.turnOff' : 'loras.turnOn')}
        checked={use.on}
        onChange={({ target }) => onChange({ on: target.checked })}
      />
      <button type="button" className="icon-button" aria-label={removeText} title={removeText} onClick={onRemove}>
        <Icon name="close" size={16} />
      </button>
    </div>
  )
}

/**
 * A chosen LoRA. `use` is the form's value of it; `lora` is what the server knows, undefined while it is not here;
 * `advised` are the settings that it wants and the form has not.
 */
export default function LoraCard({ use, lora, title, prompt, remarks, advised, hasRange, onChange, onPrompt, onAdvice, onRemove }) {
  return (
    <li className={`lora-card ${use.on ? '' : 'lora-off'}`}>
      <Head use={use} lora={lora} title={title} onChange={onChange} onRemove={onRemove} />
      <StrengthField
        name={title}
        value={use.strength}
        usual={advisedStrength(lora)}
        onChange={(strength) => onChange({ strength })}
      />
      {lora?.trigger_words?.length > 0 && (
        <TriggerWords words={lora.trigger_words} prompt={prompt} name={title} onPrompt={onPrompt} />
      )}
      {lora?.usage_hint && (
        <p className="muted lora-hint" title={lora.usage_hint}>
          {lora.usage_hint}
        </p>
      )}
      <LoraRemarks
        remarks={remarks}
        lora={lora}
        advised={advised}
        onAdvice={onAdvice}
        onPresent={() => onChange({ sha256: undefined, short_hash: undefined })}
      />
      <LoraRange use={use} name={title} isShown={hasRange} onChange={onChange} />
    </li>
  )
}
