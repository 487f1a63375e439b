import { useTranslation } from 'react-i18next'

import { forwardsOf } from '../../lib/generate/settings.js'

/** What the server says, it says in English. */
function Remark({ kind, text, lora }) {
  const { t } = useTranslation()
  const values = { matched: lora?.matched, of: lora?.of, base: lora?.base, role: lora?.role }
  const own = t(`loras.remark.${kind}`, { ...values, defaultValue: '' })
  return (
    <p className={`lora-remark lora-${kind}`}>
      {own}
      {own && text ? ' ' : ''}
      {text && <span lang="en">{text}</span>}
    </p>
  )
}

/** The steps and the guidance that a LoRA wants, at one click. */
function Advice({ advised, onAdvice }) {
  const { t } = useTranslation()
  const { num_inference_steps: count, guidance_scale: scale } = advised
  const parts = [
    count !== undefined && t('loras.adviceSteps', { count, forwards: forwardsOf(count) }),
    scale !== undefined && (scale > 0 ? t('loras.adviceGuidance', { scale }) : t('loras.adviceNoGuidance')),
  ].filter(Boolean)
  if (parts.length === 0) return null
  return (
    <button type="button" className="chip" onClick={() => onAdvice(advised)}>
      {t('loras.apply', { parts: parts.join(t('loras.and')) })}
    </button>
  )
}

/** What to know of a chosen LoRA, and the settings that it asks for. `onPresent` takes the present file for the meant one. */
export default function LoraRemarks({ remarks, lora, advised, onAdvice, onPresent }) {
  const { t } = useTranslation()
  return (
    <>
      {remarks.map((remark) => (
        <Remark key={remark.kind} {...remark} lora={lora} />
      ))}
      {remarks.some(({ kind }) => kind === 'changed') && (
        <button type="button" className="chip" onClick={onPresent}>
          {t('loras.usePresent')}
        </button>
      )}
      <Advice advised={advised} onAdvice={onAdvice} />
    </>
  )
}
