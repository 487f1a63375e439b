import { QueryClientProvider } from '@tanstack/react-query'
import { render } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { Fragment } from 'react'
import { I18nextProvider } from 'react-i18next'

import Announcer from '../components/page/Announcer.jsx'
import Toaster from '../components/ui/Toaster.jsx'
import { createQueryClient } from '../hooks/server/queryClient.js'
import en from '../i18n/en.json'
import { createI18n } from '../i18n/index.js'
import zh from '../i18n/zh.json'

function Regions({ children }) {
  return (
    <Announcer>
      <Toaster>{children}</Toaster>
    </Announcer>
  )
}

/** The providers around a component: those of main.jsx, and the app's regions for messages unless it brings its own. */
export function makeWrapper({ language = 'en', statusRegion = true } = {}) {
  const StatusRegion = statusRegion ? Regions : Fragment
  const i18n = createI18n(language, { en, zh })
  const queryClient = createQueryClient()
  return function Wrapper({ children }) {
    return (
      <I18nextProvider i18n={i18n}>
        <QueryClientProvider client={queryClient}>
          <StatusRegion>{children}</StatusRegion>
        </QueryClientProvider>
      </I18nextProvider>
    )
  }
}

/** Renders with all providers; answers a user to act with beside the usual. */
export function renderWith(element, options) {
  return { user: userEvent.setup(), ...render(element, { wrapper: makeWrapper(options) }) }
}
