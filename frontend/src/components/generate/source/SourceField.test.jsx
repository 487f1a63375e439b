import { fireEvent, screen, waitFor } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { newEdit, NO_GROWTH } from '../../../lib/generate/edit.js'
import { renderWith } from '../../../test/render.jsx'
import SourceField from './SourceField.jsx'

const IMAGE = 'a'.repeat(64)
const MASK = 'b'.repeat(64)

function show(change, { errors = {}, controls = [], isGuided = true } = {}) {
  const props = { onChoose: vi.fn(), onMask: vi.fn(), onChange: vi.fn() }
  const edit = change && { ...newEdit(IMAGE), ...change }
  const field = <SourceField edit={edit} controls={controls} isGuided={isGuided} errors={errors} {...props} />
  return { ...props, ...renderWith(field) }
}

const haveControls = (...names) => {
  const controls = names.map((name) => ({ name, takes_mask: true }))
  server.overrides['get /models'] = () => ({ ...server.models, controls })
}

describe('SourceField', () => {
  it('takes a file', async () => {
    const { onChoose, user } = show(null)
    const file = new File(['png'], 'fox.png', { type: 'image/png' })
    await user.upload(screen.getByTestId('source-file'), file)
    expect(onChoose).toHaveBeenCalledExactlyOnceWith(file)
  })

  it('shows the picture, and draws from text again', async () => {
    const { onChange, user } = show({})
    expect(screen.getByRole('img', { name: 'The picture that is drawn from' }).src).toContain(`/api/inputs/${IMAGE}`)
    expect(screen.getByText('All of it is drawn anew.')).toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: 'Without a picture' }))
    expect(onChange).toHaveBeenCalledExactlyOnceWith({ edit: null })
  })

  it('changes the strength, says it in percent, and takes it back', async () => {
    const { onChange, user } = show({ strength: 0.3 })
    const slider = screen.getByRole('slider', { name: 'Strength' })
    expect(slider).toHaveAttribute('aria-valuetext', '30 %')
    fireEvent.change(slider, { target: { value: '0.8' } })
    expect(onChange.mock.lastCall[0].edit.strength).toBe(0.8)
    await user.click(screen.getByRole('button', { name: /Reset|default/i }))
    expect(onChange.mock.lastCall[0].edit.strength).toBeNull()
  })

  it('says in words what is masked and what grows, and takes it back', async () => {
    const { onChange, user } = show({ mask: MASK, growth: { ...NO_GROWTH, left: 64, top: 32 } })
    expect(screen.getByText('What is masked is drawn anew. · Grows by 32 px at the top, 64 px at the left')).toBeInTheDocument()
    expect(screen.queryByRole('combobox', { name: 'Enlarge' })).not.toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: 'All of it' }))
    expect(onChange.mock.lastCall[0].edit).toMatchObject({ mask: null, growth: NO_GROWTH })
  })

  it('enlarges', async () => {
    const { onChange, user } = show({})
    await user.selectOptions(screen.getByRole('combobox', { name: 'Enlarge' }), '2 ×')
    expect(onChange.mock.lastCall[0].edit.upscale).toBe(2)
  })

  it('offers what is transparent as the mask, where there is any and no mask yet', async () => {
    const { onMask, user, unmount } = show({ has_alpha: true })
    await user.click(screen.getByRole('button', { name: 'Mask from its transparency' }))
    expect(onMask).toHaveBeenCalledOnce()
    unmount()
    for (const change of [{}, { has_alpha: true, mask: MASK }]) {
      const shown = show(change)
      expect(screen.queryByRole('button', { name: 'Mask from its transparency' })).not.toBeInTheDocument()
      shown.unmount()
    }
  })

  it('says what strong tiles do, and offers less strength or a Tile ControlNet', async () => {
    haveControls('Union-2.1.safetensors', 'Z-Image-Turbo-Fun-Controlnet-Tile-2.1-lite.safetensors')
    const { onChange, user } = show({ upscale: 2, strength: 0.7 })
    expect(await screen.findByText(/Above 50 % each tile may grow objects of its own/)).toBeInTheDocument()
    await user.click(await screen.findByRole('button', { name: 'Add Tile' }))
    const [tile] = onChange.mock.lastCall[0].control
    expect(tile).toMatchObject({ image: IMAGE, kind: 'tile', model: 'Z-Image-Turbo-Fun-Controlnet-Tile-2.1-lite.safetensors' })
    await user.click(screen.getByRole('button', { name: 'Lower it to 30 %' }))
    expect(onChange.mock.lastCall[0].edit.strength).toBeNull()
  })

  it.each([
    ['little strength', { upscale: 2 }, {}],
    ['no tiles', { strength: 0.9 }, {}],
    ['a Tile control', { upscale: 2, strength: 0.9 }, { controls: [{ kind: 'tile', model: 'auto' }] }],
  ])('says nothing of tiles with %s', async (_what, change, more) => {
    show(change, more)
    await screen.findByRole('slider', { name: 'Strength' })
    expect(screen.queryByText(/objects of its own/)).not.toBeInTheDocument()
  })

  it('offers no Tile control of which there is none, or that the model does not take', async () => {
    haveControls('Union-2.1.safetensors')
    const { unmount } = show({ upscale: 2, strength: 0.7 })
    await screen.findByRole('button', { name: 'Lower it to 30 %' })
    await waitFor(() => expect(server.requests.some(({ path }) => path === '/models')).toBe(true))
    expect(screen.queryByRole('button', { name: 'Add Tile' })).not.toBeInTheDocument()
    unmount()
    haveControls('Tile.safetensors')
    show({ upscale: 2, strength: 0.7 }, { isGuided: false })
    await screen.findByRole('button', { name: 'Lower it to 30 %' })
    expect(screen.queryByRole('button', { name: 'Add Tile' })).not.toBeInTheDocument()
  })

  it.each([
    ['with a picture', {}],
    ['without one', null],
  ])('says what the server refuses, %s', (_what, change) => {
    show(change, { errors: { init_image: 'There is no input with this id.' } })
    expect(screen.getByText('There is no input with this id.')).toBeInTheDocument()
  })
})
