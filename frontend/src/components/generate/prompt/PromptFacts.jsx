import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useRoom } from '../../../hooks/generate/sending/useRoom.js'
import { MAX_PROMPTS } from '../../../lib/generate/expand.js'
import PlainParts from './PlainParts.jsx'
import TokenMeter from './TokenMeter.jsx'

function longest(prompts) {
  return prompts.reduce((best, prompt) => (prompt.length > best.length ? prompt : best), '')
}

/** What the choices stand for, and whether all of it can be sent. */
function Choices({ count }) {
  const { t } = useTranslation()
  const room = useRoom()
  if (count > MAX_PROMPTS) return <p className="prompt-over">{t('form.matrixOver', { count: MAX_PROMPTS })}</p>
  const isTight = room !== null && count > room
  return (
    <>
      <p className="prompt-matrix">{t('form.matrix', { count })}</p>
      {isTight && <p className="prompt-tight">{t('form.room', { count: room })}</p>}
    </>
  )
}

/** What is to be said of a prompt: its length to the model, what its choices stand for, and what stays plain text. */
export default function PromptFacts({ settings, prompts, lists, onChange }) {
  const { t } = useTranslation()
  const { prompt, model, choices_random: isRandom } = settings
  return (
    <>
      <TokenMeter prompt={longest(prompts)} model={model} />
      {prompts.length > 1 && (
        <div className="prompt-choices">
          {!isRandom && <Choices count={prompts.length} />}
          <Form.Check
            type="switch"
            id="choices-random"
            label={t('form.choicesRandom')}
            checked={isRandom}
            onChange={(event) => onChange({ choices_random: event.target.checked })}
          />
        </div>
      )}
      <PlainParts prompt={prompt} lists={lists} />
    </>
  )
}
