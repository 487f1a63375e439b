import { QueryClientProvider } from '@tanstack/react-query'
import 'bootstrap/dist/css/bootstrap.min.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { I18nextProvider } from 'react-i18next'

import './index.css'
import './contrast.css'
// The app's own styles build on the global ones and come after them.
import App from './App.jsx'
import { createQueryClient } from './hooks/server/queryClient.js'
import { SESSION_QUERY } from './hooks/server/useSession.js'
import { loadI18n } from './i18n/index.js'
import { registerServiceWorker } from './lib/serviceWorker.js'

const queryClient = createQueryClient()
// On its way while the page is drawn.
queryClient.prefetchQuery(SESSION_QUERY)

function draw(i18n) {
  createRoot(document.getElementById('root')).render(
    <StrictMode>
      <I18nextProvider i18n={i18n}>
        <QueryClientProvider client={queryClient}>
          <App />
        </QueryClientProvider>
      </I18nextProvider>
    </StrictMode>,
  )
}

// Not awaited: what a script awaits at its top cannot be in one file with what others import.
loadI18n().then(draw)

if (import.meta.env.PROD) registerServiceWorker()
