import { useEffect, useState } from 'react'

import { Session } from '../../lib/canvas/tools/session.js'
import { ViewStore } from '../../lib/canvas/viewStore.js'

function create(doc, settings) {
  return new Session({ doc, view: new ViewStore(doc.size, doc.outpaint), settings })
}

/** The session of an opened document, with the tool that is in hand. */
export function useSession(doc, settings) {
  const [session] = useState(() => create(doc, settings))
  useEffect(() => session.setSettings(settings), [session, settings])
  // What is being pulled must not move under the hand: it is fitted in again when it is let go.
  useEffect(() => doc.subscribe(() => !doc.getState().isGrowing && session.view.setOutpaint(doc.outpaint)), [doc, session])
  return session
}
