import { lazy, Suspense, useState } from 'react'

import { useSession } from '../../hooks/server/useSession.js'

const LoginPage = lazy(() => import('./LoginPage.jsx'))

/** Shows the page to whoever may see it; asks the others for a token. */
export default function Gate({ children }) {
  const { state } = useSession()
  const [wasOpen, setWasOpen] = useState(false)
  if (state === 'open' && !wasOpen) setWasOpen(true)
  if (state === 'open') return children
  return <Suspense>{state === 'closed' && <LoginPage ended={wasOpen} />}</Suspense>
}
