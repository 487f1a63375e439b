import { useState } from 'react'

import Icon from '../ui/Icon.jsx'

/** What a LoRA's pictures look like: its preview, or a sign where there is none. It says nothing that its name does not. */
export default function LoraPreview({ lora, size = 20 }) {
  const [lost, setLost] = useState(null)
  const address = lora?.preview
  const isThere = Boolean(address) && address !== lost
  return (
    <span className={`lora-preview ${isThere ? '' : 'lora-preview-none'}`}>
      {isThere ? (
        <img src={address} alt="" loading="lazy" decoding="async" onError={() => setLost(address)} />
      ) : (
        <Icon name="layers" size={size} />
      )}
    </span>
  )
}
