import { fireEvent, screen } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { useModels } from '../../../hooks/server/useModels.js'
import { newControl } from '../../../lib/generate/control.js'
import { renderWith } from '../../../test/render.jsx'
import ControlField from './ControlField.jsx'

const IMAGE = 'a'.repeat(64)
const MADE = 'b'.repeat(64)
const NETS = [{ name: 'lite.safetensors', kind: '2.1-lite', format: 'BF16', size_bytes: 2e9, takes_mask: true }]

/** Says when the catalogue has come: until then there is no field either. */
function Known() {
  return useModels().data ? <p>the models are known</p> : null
}

function show(controls, nets = NETS) {
  server.overrides['get /models'] = () => ({ default: null, loaded: null, models: [], controls: nets, refused: [], downloading: null })
  server.overrides['post /inputs/control'] = ({ body }) => ({ input_id: body.kind === 'canny' ? MADE : 'c'.repeat(64) })
  const props = { onChoose: vi.fn(), onChange: vi.fn() }
  return { ...props, ...renderWith(<><ControlField controls={controls} {...props} /><Known /></>) }
}

describe('ControlField', () => {
  it('is not there where there is no ControlNet', async () => {
    const { container } = show([], [])
    await screen.findByText('the models are known')
    expect(container.querySelector('.control')).toBeNull()
  })

  it('takes a picture', async () => {
    const { onChoose, user } = show([])
    await screen.findByRole('button', { name: 'Add a picture' })
    const file = new File(['png'], 'pose.png', { type: 'image/png' })
    await user.upload(screen.getByTestId('control-file'), file)
    expect(onChoose).toHaveBeenCalledExactlyOnceWith(file)
  })

  it('shows what the ControlNet will see, before anything is drawn', async () => {
    const { onChange, user } = show([newControl(IMAGE)])
    const seen = await screen.findByRole('img', { name: 'What guides: Edges' })
    expect(seen.src).toContain(`/api/inputs/${MADE}`)
    await user.selectOptions(screen.getByRole('combobox', { name: 'What is taken of it' }), 'It is a control image already')
    expect(onChange.mock.lastCall[0].control[0].kind).toBe('finished')
  })

  it('changes how strongly and how long it guides, and removes it', async () => {
    const { onChange, user } = show([newControl(IMAGE)])
    fireEvent.change(await screen.findByRole('slider', { name: 'How strongly' }), { target: { value: '1.2' } })
    expect(onChange.mock.lastCall[0].control[0].scale).toBe(1.2)
    fireEvent.change(screen.getByRole('slider', { name: 'Until' }), { target: { value: '0.5' } })
    expect(onChange.mock.lastCall[0].control[0].end).toBe(0.5)
    await user.click(screen.getByRole('button', { name: 'Remove' }))
    expect(onChange.mock.lastCall[0].control).toEqual([])
  })

  it('offers depth and poses where the server has a model for them, and says so where it has none', async () => {
    server.overrides['get /capabilities'] = () => ({
      preprocessors: [
        { kind: 'depth', available: true, note: 'With near.' },
        { kind: 'pose', available: false, note: 'There is no ViTPose here.' },
      ],
    })
    const { onChange, user } = show([newControl(IMAGE)])
    const select = await screen.findByRole('combobox', { name: 'What is taken of it' })
    expect(await screen.findByRole('option', { name: 'Depth' })).toBeEnabled()
    const pose = screen.getByRole('option', { name: 'Poses of people (its model is not on the server)' })
    expect(pose).toBeDisabled()
    expect(pose).toHaveAttribute('title', 'There is no ViTPose here.')
    await user.selectOptions(select, 'Depth')
    expect(onChange.mock.lastCall[0].control[0].kind).toBe('depth')
  })

  it('offers neither before the server has said what it has', async () => {
    server.overrides['get /capabilities'] = () => ({})
    show([newControl(IMAGE)])
    expect(await screen.findByRole('option', { name: /^Depth \(/ })).toBeDisabled()
    expect(screen.getByRole('option', { name: 'Edges' })).toBeEnabled()
  })

  it('shows a finished control image as it is', async () => {
    show([{ ...newControl(IMAGE), kind: 'finished' }])
    const seen = await screen.findByRole('img', { name: 'What guides: It is a control image already' })
    expect(seen.src).toContain(`/api/inputs/${IMAGE}`)
  })
})
