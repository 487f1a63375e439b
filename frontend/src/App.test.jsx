import { screen, waitFor } from '@testing-library/react'
import { beforeEach, describe, expect, it } from 'vitest'

import App from './App.jsx'
import { makeImage, makeTask } from './test/fakeServer.js'
import { renderWith } from './test/render.jsx'

const renderApp = () => renderWith(<App />, { statusRegion: false })
const SLOW = { timeout: 5000 }
const prompt = () => screen.getByRole('textbox', { name: 'Prompt' })
const submit = () => screen.getByRole('button', { name: /Generate/ })

function complete(id, prompt) {
  const image = makeImage(server.images.length + 1, { prompt })
  server.images = [image, ...server.images]
  server.addTask({ ...server.tasks.get(id), status: 'completed', progress: 100, current_step: 9, result: image })
}

// Where everyone was let in before, the page does not wait to hear it again.
beforeEach(() => window.localStorage.setItem('zimage.free-entry', 'true'))

describe('App', () => {
  it('brings a prompt to a picture in latest and gallery', async () => {
    const { user } = renderApp()
    await user.type(prompt(), 'a red fox')
    await user.click(submit())
    expect(await screen.findByText('Waiting')).toBeInTheDocument()
    complete('task-1', 'a red fox')
    expect(await screen.findByText(/Finished in/, {}, SLOW)).toBeInTheDocument()
    expect(await screen.findByRole('button', { name: 'View large: a red fox' })).toBeInTheDocument()
    expect(await screen.findByRole('button', { name: 'View: a red fox' })).toBeInTheDocument()
  })

  it('makes one task of a double click', async () => {
    const { user } = renderApp()
    await user.type(prompt(), 'a red fox')
    await user.dblClick(submit())
    await screen.findByText('Waiting')
    expect(server.bodiesOf('post', '/generate')).toHaveLength(1)
  })

  it('finds its running task again after a reload', async () => {
    const { user, unmount } = renderApp()
    await user.type(prompt(), 'a red fox')
    await user.click(submit())
    await screen.findByText('Waiting')
    unmount()
    server.addTask({ ...server.tasks.get('task-1'), status: 'processing', current_step: 3, progress: 33 })
    renderApp()
    expect(await screen.findAllByText('Step 3 of 9')).not.toHaveLength(0) // On the stage and in the queue.
  })

  it('shows how its task ended while the page was closed', async () => {
    window.localStorage.setItem('zimage.tasks', '["old"]')
    server.addTask(makeTask('old', { status: 'interrupted' }))
    renderApp()
    expect(await screen.findByText('Interrupted')).toBeInTheDocument()
  })

  it('shows the tasks of other clients too', async () => {
    server.addTask(makeTask('foreign', { current_step: 5, progress: 55 }))
    renderApp()
    expect(await screen.findAllByText('Step 5 of 9')).not.toHaveLength(0)
  })

  it('runs a failed task again', async () => {
    window.localStorage.setItem('zimage.tasks', '["old"]')
    server.addTask(makeTask('old', { status: 'failed', error: 'Out of memory.' }))
    const { user } = renderApp()
    await user.click(await screen.findByRole('button', { name: 'Run again' }))
    expect(await screen.findByText('Waiting')).toBeInTheDocument()
    expect(screen.queryByText('Out of memory.')).not.toBeInTheDocument()
  })

  it('takes over the settings of a picture', async () => {
    server.images = [makeImage(1, { prompt: 'a whale', width: 640, height: 960 })]
    const { user } = renderApp()
    await user.click(await screen.findByRole('button', { name: 'Use these settings' }))
    expect(prompt()).toHaveValue('a whale')
    expect(screen.getByRole('textbox', { name: 'Seed' })).toHaveValue('101')
    expect(screen.getByRole('radio', { name: '2:3' })).toBeChecked()
  })

  it('says when the server is gone, and recovers by itself', async () => {
    server.down = true
    renderApp()
    expect(await screen.findByRole('alert')).toHaveTextContent('The server does not answer')
    server.down = false
    server.images = [makeImage(1)]
    await waitFor(() => expect(screen.queryByRole('alert')).not.toBeInTheDocument(), SLOW)
    expect(await screen.findByRole('button', { name: 'View large: picture 1' })).toBeInTheDocument()
  })

  it('says how many requests wait for a server that does not answer', async () => {
    const { user } = renderApp()
    await user.type(prompt(), 'a red fox')
    server.down = true
    for (let press = 0; press < 3; press += 1) await user.keyboard('{Control>}{Enter}{/Control}')
    expect(await screen.findByRole('button', { name: /Sending 3…/ })).toBeInTheDocument()
    expect(await screen.findByRole('alert')).toHaveTextContent('3 requests wait here; each will be sent once.')
    server.down = false
    await waitFor(() => expect(server.bodiesOf('post', '/generate')).toHaveLength(3), SLOW)
  })

  it('has one status region', () => {
    renderApp()
    expect(screen.getAllByRole('status')).toHaveLength(1)
  })
})
