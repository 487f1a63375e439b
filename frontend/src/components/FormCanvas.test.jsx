import { fireEvent, screen, waitFor, within } from '@testing-library/react'
import { useState } from 'react'
import { beforeEach, describe, expect, it, vi } from 'vitest'

import { loadPicture } from '../lib/canvas/files.js'
import { forgetKept } from '../lib/canvas/value.js'
import { newEdit } from '../lib/generate/edit.js'
import { DEFAULT_SETTINGS } from '../lib/generate/settings.js'
import { stubCanvas } from '../test/fakeCanvas.js'
import { makeImage, makeTask } from '../test/fakeServer.js'
import { renderWith } from '../test/render.jsx'
import FormCanvas from './FormCanvas.jsx'

const SIZE = { width: 744, height: 400 }
const [IMAGE, MASK, RESULT] = ['a', 'b', 'c'].map((digit) => digit.repeat(64))

vi.mock('../lib/canvas/files.js', () => ({ decodePixels: vi.fn(), loadPicture: vi.fn(), colourAt: () => [1, 2, 3, 255] }))
vi.mock('../lib/canvas/compose.js', () => ({ sizeOf: async () => ({ width: 744, height: 400 }), composite: vi.fn() }))

beforeEach(async () => {
  stubCanvas({ width: 800, height: 600 })
  vi.mocked(loadPicture).mockResolvedValue({})
  for (const id of [IMAGE, RESULT]) await forgetKept({ id, ...SIZE })
  server.overrides['post /inputs'] = ({ body }) => ({ input_id: body.image_id ? RESULT : MASK, ...SIZE })
})

const NOTHING_COMES = { arriving: [], turn: 0 }

function Harness({ onSubmit, first, arrivals = NOTHING_COMES }) {
  const [settings, set] = useState({ ...DEFAULT_SETTINGS, prompt: 'a fox', edit: first })
  const [problem, setProblem] = useState('')
  const change = (patch) => set((now) => ({ ...now, ...patch }))
  const submit = async (patch) => {
    const ids = await onSubmit({ ...settings, ...patch })
    setProblem(ids ? '' : 'The prompt was refused.')
    return ids
  }
  return (
    <>
      <output>{JSON.stringify(settings.edit)}</output>
      <FormCanvas
        settings={settings}
        arrivals={arrivals}
        problem={problem}
        onChange={change}
        onPrompt={(prompt) => change({ prompt })}
        onSubmit={submit}
      />
    </>
  )
}

async function setUp({ onSubmit = vi.fn(), search = '/?dialog=canvas', edit = {} } = {}) {
  window.history.replaceState(null, '', '/')
  window.history.pushState({ opening: true }, '', search)
  vi.mocked(loadPicture).mockClear()
  const rendered = renderWith(<Harness onSubmit={onSubmit} first={{ ...newEdit(IMAGE), ...edit }} />)
  const paper = await screen.findByRole('application')
  await waitFor(() => expect(loadPicture).toHaveBeenCalled()) // It listens from then on.
  const stroke = () => {
    for (const type of ['pointerDown', 'pointerMove', 'pointerUp']) {
      fireEvent[type](paper, { pointerId: 1, pointerType: 'mouse', button: 0, buttons: 1, clientX: 228, clientY: 300 })
    }
  }
  return { ...rendered, onSubmit, stroke }
}

const editNow = () => JSON.parse(screen.getByText(/^\{/).textContent)
const closed = () => waitFor(() => expect(screen.queryByRole('application')).not.toBeInTheDocument())
const GENERATE = '{Control>}{Enter}{/Control}'

/** The queue draws at once. */
function drawAtOnce(image) {
  const onSubmit = vi.fn(async () => {
    server.addTask(makeTask('task-1', { status: 'completed', progress: 100, result: image, images: [image] }))
    return ['task-1']
  })
  return onSubmit
}

describe('FormCanvas', () => {
  it('hands over what was painted when it is gone back from, and opens again as it was left', async () => {
    const { stroke } = await setUp()
    stroke()
    window.history.back()
    await closed()
    expect(editNow()).toMatchObject({ image: IMAGE, mask: MASK, canvas: 'kept' })
    window.history.forward()
    await screen.findByRole('application')
    expect(await screen.findByText(/of the picture will be drawn anew/)).toBeInTheDocument()
  })

  it('stays with what was painted where that cannot be handed over, until it can', async () => {
    const { stroke, user } = await setUp()
    stroke()
    server.down = true
    window.history.back()
    expect(await screen.findByRole('alert')).toHaveTextContent('What was painted could not be handed over')
    expect(window.location.search).toBe('?dialog=canvas')
    expect(screen.getByRole('application')).toBeInTheDocument()
    expect(editNow().mask).toBe(null)
    server.down = false
    await user.click(screen.getByRole('button', { name: 'Done' }))
    await closed()
    expect(editNow().mask).toBe(MASK)
    await waitFor(() => expect(window.location.search).toBe(''))
  })

  it('may be left without what cannot be handed over', async () => {
    const { stroke, user } = await setUp()
    stroke()
    server.down = true
    await user.click(screen.getByRole('button', { name: 'Done' }))
    await user.click(await screen.findByRole('button', { name: 'Close without it' }))
    await closed()
    expect(editNow().mask).toBe(null)
  })

  it('draws by Ctrl+Enter with the mask, stays open, and shows the result beside what was', async () => {
    const image = makeImage(1, { ...SIZE, prompt: 'a red fox' })
    const { stroke, user, onSubmit } = await setUp({ onSubmit: drawAtOnce(image) })
    stroke()
    await user.type(screen.getByRole('textbox', { name: 'Prompt' }), ', red')
    await user.keyboard(GENERATE)
    expect(await screen.findByRole('region', { name: 'The result' })).toBeInTheDocument()
    expect(onSubmit).toHaveBeenCalledOnce()
    expect(onSubmit.mock.calls[0][0]).toMatchObject({ prompt: 'a fox, red', edit: { image: IMAGE, mask: MASK } })
    expect(screen.getByRole('img', { name: 'a red fox' })).toBeInTheDocument()
    await user.keyboard('{Escape}')
    expect(screen.queryByRole('region', { name: 'The result' })).not.toBeInTheDocument()
    expect(screen.getByRole('application')).toBeInTheDocument()
    expect(screen.getByRole('button', { name: 'Undo' })).toHaveAttribute('aria-disabled', 'false')
    await user.click(screen.getByRole('button', { name: 'Look at the result: a red fox' }))
    expect(screen.getByRole('region', { name: 'The result' })).toBeInTheDocument()
  })

  it.each([
    ['keeps the mask of the same size', SIZE, MASK],
    ['lets go of one of another size', { width: 800, height: 400 }, null],
  ])('goes on from a result, and %s', async (_what, size, mask) => {
    const { stroke, user } = await setUp({ onSubmit: drawAtOnce(makeImage(1, size)) })
    server.overrides[`get /inputs/${MASK}`] = () => new Blob(['x'])
    const { decodePixels } = await import('../lib/canvas/files.js')
    vi.mocked(decodePixels).mockResolvedValue({ ...SIZE, pixels: new Uint32Array(744 * 400).fill(0xffffffff) })
    stroke()
    await user.click(screen.getByRole('button', { name: /^Generate/ }))
    await user.click(await screen.findByRole('button', { name: 'Use it as the picture' }))
    await waitFor(() => expect(editNow()).toMatchObject({ image: RESULT, mask, canvas: 'kept' }))
    expect(server.bodiesOf('post', '/inputs').at(-1)).toEqual({ image_id: makeImage(1).id })
    expect(server.bodiesOf('post', '/inputs'), 'the mask goes there once').toHaveLength(2)
    const notice = (await screen.findByText('The result is the picture now.')).closest('.notice')
    await user.click(within(notice).getByRole('button', { name: 'Undo' }))
    await waitFor(() => expect(editNow()).toMatchObject({ image: IMAGE, mask: MASK }))
  })

  it('lets a result wait at the side while somebody paints on', async () => {
    const image = makeImage(1, { ...SIZE, prompt: 'a red fox' })
    const onSubmit = vi.fn(async () => {
      server.addTask(makeTask('task-1', { progress: 40, request: { prompt: 'a red fox' } }))
      return ['task-1']
    })
    const { stroke, user } = await setUp({ onSubmit })
    stroke()
    await user.keyboard(GENERATE)
    expect(await screen.findByText('40 %')).toBeInTheDocument()
    stroke()
    server.addTask(makeTask('task-1', { status: 'completed', progress: 100, result: image, images: [image] }))
    await screen.findByRole('button', { name: 'Look at the result: a red fox' })
    expect(screen.queryByRole('region', { name: 'The result' })).not.toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: 'Dismiss' }))
    expect(screen.queryByRole('button', { name: /^Look at the result/ })).not.toBeInTheDocument()
  })

  it('says why nothing is drawn', async () => {
    const onSubmit = vi.fn(async () => undefined)
    const { user } = await setUp({ onSubmit })
    await user.keyboard(GENERATE)
    expect(await screen.findByRole('alert')).toHaveTextContent('The prompt was refused.')
    onSubmit.mockImplementation(async () => {
      server.addTask(makeTask('task-1', { status: 'failed', error: 'boom', error_code: 'internal' }))
      return ['task-1']
    })
    await user.keyboard(GENERATE)
    await waitFor(() => expect(screen.getByRole('list', { name: 'Drawn from here' }).querySelector('[role=alert]')).not.toBeNull())
  })

  it('hands over nothing once another picture has come meanwhile', async () => {
    const { stroke, user, rerender, onSubmit } = await setUp()
    stroke()
    let keep
    server.overrides['post /inputs'] = () => new Promise((resolve) => (keep = () => resolve({ input_id: MASK, ...SIZE })))
    await user.click(screen.getByRole('button', { name: 'Done' }))
    await waitFor(() => expect(keep).toBeDefined())
    const before = editNow()
    rerender(<Harness onSubmit={onSubmit} first={{ ...newEdit(IMAGE) }} arrivals={{ arriving: [], turn: 1 }} />)
    keep()
    await closed()
    expect(editNow()).toEqual(before)
  })

  it('is not open while another picture is on its way', async () => {
    window.history.replaceState(null, '', '/?dialog=canvas')
    const arrivals = { arriving: [{ field: 'edit', names: ['fox.png'] }], turn: 0 }
    renderWith(<Harness first={newEdit(IMAGE)} arrivals={arrivals} />)
    await waitFor(() => expect(window.location.search).toBe(''))
    await closed()
  })

  it('is no address of a form that draws from words', async () => {
    window.history.replaceState(null, '', '/?dialog=canvas')
    renderWith(<Harness first={null} />)
    await waitFor(() => expect(window.location.search).toBe(''))
  })
})
