import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'

import { useLoraUpload } from '../../hooks/loras/useLoraUploads.js'
import { useErrorText } from '../../hooks/server/useErrorText.js'
import { useAnnounce } from '../../hooks/ui/useAnnounce.js'
import Icon from '../ui/Icon.jsx'

const PERCENT = 100
const IS_AT_WORK = { waiting: true, running: true }
const IS_BAD = { failed: true, foreign: true, large: true }

/** Says once what came. What failed is an alert in its place. */
function useArrivals(uploads) {
  const { t } = useTranslation()
  const announce = useAnnounce()
  const said = useRef(new Set())
  useEffect(() => {
    for (const { id, name, state } of uploads) {
      if (state !== 'done' || said.current.has(id)) continue
      said.current.add(id)
      announce(t('loras.arrived', { name }))
    }
  }, [uploads, announce, t])
}

function useSentence({ state, name, error }) {
  const { t } = useTranslation()
  const { errorText } = useErrorText()
  if (state === 'failed') return errorText(error)
  if (state === 'done') return t('loras.arrived', { name })
  return t(`loras.state.${state}`)
}

function Upload({ upload, onForget }) {
  const { t } = useTranslation()
  const sentence = useSentence(upload)
  const { file, state, share } = upload
  const endText = t(IS_AT_WORK[state] ? 'loras.stopUpload' : 'loras.dismissUpload', { name: file.name })
  return (
    <li className={`lora-upload ${IS_BAD[state] ? 'lora-upload-bad' : ''}`}>
      <div role={IS_BAD[state] ? 'alert' : undefined}>
        <strong>{file.name}</strong> <span>{sentence}</span>
        {state === 'running' && (
          <progress aria-label={file.name} value={share} max={1}>
            {Math.round(share * PERCENT)} %
          </progress>
        )}
      </div>
      <button type="button" className="icon-button" aria-label={endText} title={endText} onClick={() => onForget(upload)}>
        <Icon name="close" size={16} />
      </button>
    </li>
  )
}

/** The files that are sent: how far each is, and what came of it. */
export default function LoraUploads({ uploads }) {
  const { forget } = useLoraUpload()
  useArrivals(uploads)
  if (uploads.length === 0) return null
  return (
    <ul className="lora-uploads">
      {uploads.map((upload) => (
        <Upload key={upload.id} upload={upload} onForget={forget} />
      ))}
    </ul>
  )
}
