/** The canvas alone, for the browser tests: `?w=…&h=…` says how large the picture is. */
import 'bootstrap/dist/css/bootstrap.min.css'
import '../../src/index.css'
import '../../src/App.css'
import '../../src/contrast.css'

import { QueryClientProvider } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { I18nextProvider } from 'react-i18next'

import { createQueryClient } from '../../src/hooks/server/queryClient.js'
import { useTheme } from '../../src/hooks/kept/useTheme.js'
import { loadI18n } from '../../src/i18n/index.js'

const CanvasEditor = lazy(() => import('../../src/components/canvas/CanvasEditor.jsx'))
const BeforeAfter = lazy(() => import('../../src/components/ui/BeforeAfter.jsx'))

const query = new URLSearchParams(window.location.search)
const [width, height] = [Number(query.get('w') ?? 640), Number(query.get('h') ?? 480)]
const url = `picture-${width}x${height}.png`
const image = { id: 'one', url, width, height }

window.told = []

function Page() {
  useTheme()
  const [opened, setOpened] = useState(null)
  const [value, setValue] = useState(null)
  const change = (next) => {
    window.told.push(next)
    setValue(next)
  }
  return (
    <main style={{ padding: 16 }}>
      <h1>The canvas alone</h1>
      <button type="button" onClick={() => setOpened('canvas')}>
        Open the canvas
      </button>
      <button type="button" onClick={() => setOpened('compare')}>
        Compare
      </button>
      <Suspense>
        {opened === 'canvas' && <CanvasEditor image={image} value={value} onChange={change} onClose={() => setOpened(null)} />}
        {opened === 'compare' && (
          <BeforeAfter
            before={{ url, alt: 'as it was', label: 'Before' }}
            after={{ url: `other-${url}`, alt: 'as it is', label: 'After' }}
            width={width}
            height={height}
          />
        )}
      </Suspense>
    </main>
  )
}

loadI18n().then((i18n) =>
  createRoot(document.getElementById('root')).render(
    <I18nextProvider i18n={i18n}>
      <QueryClientProvider client={createQueryClient()}>
        <Page />
      </QueryClientProvider>
    </I18nextProvider>,
  ),
)
