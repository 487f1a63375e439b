import { screen, waitFor } from '@testing-library/react'
import { beforeEach, describe, expect, it } from 'vitest'

import App from '../../App.jsx'
import { makeImage, Refusal } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'

const renderApp = (options) => renderWith(<App />, { statusRegion: false, ...options })
const token = () => screen.findByLabelText('Access token')
const enter = () => screen.getByRole('button', { name: 'Enter' })
const gallery = () => screen.findByRole('region', { name: 'Gallery' })

beforeEach(() => {
  server.token = 'open sesame'
})

describe('LoginPage', () => {
  it('asks for the token, and goes on where one was', async () => {
    server.images = [makeImage(1, { prompt: 'a fox' }), makeImage(2, { prompt: 'an owl' })]
    window.history.replaceState(null, '', '/?q=fox')
    const { user } = renderApp()
    expect(await token()).toHaveFocus()
    expect(server.requests.map(({ path }) => path), 'nothing else was asked for').toEqual(['/session'])
    await user.type(await token(), ' open sesame {Enter}')
    expect(await screen.findByRole('button', { name: 'View: a fox' })).toBeInTheDocument()
    expect(screen.queryByRole('button', { name: 'View: an owl' })).not.toBeInTheDocument()
    expect(screen.queryByLabelText('Access token')).not.toBeInTheDocument()
  })

  it('says that a token is wrong, and how long to wait after too many', async () => {
    const { user } = renderApp()
    await user.type(await token(), 'sesame')
    await user.click(enter())
    await waitFor(async () => expect(await token()).toHaveAccessibleDescription('The server does not know this token.'))
    expect(await token()).toHaveFocus()
    server.overrides['post /session'] = () => {
      throw new Refusal(429, 'too_many_attempts', '', [], { 'retry-after': '42' })
    }
    await user.click(enter())
    await waitFor(async () => expect(await token()).toHaveAccessibleDescription(/Try again in 42 s/))
  })

  it('comes back when the session has ended', async () => {
    server.entered = true
    renderApp()
    await gallery()
    server.entered = false
    expect(await screen.findByLabelText('Access token', {}, { timeout: 10_000 })).toBeInTheDocument()
    expect(screen.queryByRole('region', { name: 'Gallery' })).not.toBeInTheDocument()
  })

  it('logs out', async () => {
    server.entered = true
    const { user } = renderApp()
    await gallery()
    await user.click(await screen.findByRole('button', { name: 'Log out (default)' }))
    expect(await token()).toBeInTheDocument()
    expect(server.entered).toBe(false)
  })

  it('is not in the way where no token is needed, nor where the server is away', async () => {
    server.token = null
    const { unmount } = renderApp()
    await gallery()
    expect(screen.queryByRole('button', { name: /Log out/ })).not.toBeInTheDocument()
    unmount()
    server.down = true
    window.localStorage.clear()
    renderApp()
    expect(await gallery()).toBeInTheDocument()
  })

  it('speaks Chinese', async () => {
    renderApp({ language: 'zh' })
    expect(await screen.findByLabelText('访问令牌')).toBeInTheDocument()
  })
})
