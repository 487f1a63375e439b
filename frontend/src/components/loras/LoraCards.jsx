import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useMode } from '../../hooks/kept/useMode.js'
import { useLoras } from '../../hooks/loras/useLoras.js'
import { useModel } from '../../hooks/server/useModels.js'
import { addLoraTexts } from '../../i18n/loras.js'
import { advice, loraOf, remarksOn, titleOf } from '../../lib/loras/catalogue.js'
import LoraCard from './LoraCard.jsx'

/** The chosen LoRAs, each with what can be done with it. */
export default function LoraCards({ settings, onChange, onPrompt, onReplace, onRemove }) {
  const { t, i18n } = useTranslation()
  useState(() => addLoraTexts(i18n)) // Once, before the texts are read.
  const [mode] = useMode()
  const model = useModel(settings.model)
  const { loras: known, query } = useLoras(settings.model)
  const inEnglish = i18n.language === 'en'
  const { loras, prompt } = settings
  const change = (at, patch) => onChange({ loras: loras.map((one, index) => (index === at ? { ...one, ...patch } : one)) })
  return (
    <ul className="lora-cards">
      {loras.map((use, at) => {
        const lora = loraOf(known, use)
        const title = lora ? titleOf(lora) : use.name
        return (
          <LoraCard
            key={use.name}
            use={use}
            lora={lora}
            title={title}
            prompt={prompt}
            // Until the list is known, nothing is missing.
            remarks={query.data ? remarksOn(lora, use, model, { inEnglish }) : []}
            advised={use.on ? advice(lora, settings, model) : {}}
            hasRange={mode === 'advanced'}
            onChange={(patch) => change(at, patch)}
            onPrompt={onPrompt}
            onAdvice={onReplace}
            onRemove={() => onRemove({ loras: loras.filter((one) => one !== use) }, t('loras.removed', { name: title }))}
          />
        )
      })}
    </ul>
  )
}
