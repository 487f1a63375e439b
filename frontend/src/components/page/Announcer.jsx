import { useState } from 'react'

import { AnnounceContext } from '../../hooks/ui/useAnnounce.js'

/** Holds the page's one status region; see useAnnounce. */
export default function Announcer({ children }) {
  const [text, setText] = useState('')
  return (
    <AnnounceContext value={setText}>
      {children}
      <div role="status" className="visually-hidden">
        {text}
      </div>
    </AnnounceContext>
  )
}
