import { fireEvent, screen } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { useModels } from '../../../hooks/server/useModels.js'
import { inpaintControl, newControl } from '../../../lib/generate/control.js'
import { newEdit } from '../../../lib/generate/edit.js'
import { renderWith } from '../../../test/render.jsx'
import ControlField from './ControlField.jsx'

const IMAGE = 'a'.repeat(64)
const MADE = 'b'.repeat(64)
const NETS = [{ name: 'lite.safetensors', kind: '2.1-lite', format: 'BF16', size_bytes: 2e9, takes_mask: true }]

/** Says when the catalogue has come: until then there is no field either. */
function Known() {
  return useModels().data ? <p>the models are known</p> : null
}

function show(controls, nets = NETS, edit = null) {
  server.overrides['get /models'] = () => ({ default: null, loaded: null, models: [], controls: nets, refused: [], downloading: null })
  server.overrides['post /inputs/control'] = ({ body }) => ({ input_id: body.kind === 'canny' ? MADE : 'c'.repeat(64) })
  const props = { onChoose: vi.fn(), onChange: vi.fn() }
  return { ...props, ...renderWith(<><ControlField controls={controls} edit={edit} {...props} /><Known /></>) }
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

  it('shows a finished control image as it is', async () => {
    show([{ ...newControl(IMAGE), kind: 'finished' }])
    const seen = await screen.findByRole('img', { name: 'What guides: It is a control image already' })
    expect(seen.src).toContain(`/api/inputs/${IMAGE}`)
  })

  const MASKED = { ...newEdit(IMAGE), mask: MADE }
  const V1 = { name: 'v1.safetensors', kind: 'v1', format: 'BF16', size_bytes: 3e9, takes_mask: false }
  const around = () => screen.queryByRole('button', { name: 'Add what is around the mask' })

  it('offers what is around the mask where there is one and a ControlNet that sees it, once', async () => {
    const { onChange, user, unmount } = show([], [V1, ...NETS], MASKED)
    await screen.findByText('the models are known')
    await user.click(around())
    expect(onChange).toHaveBeenCalledExactlyOnceWith({ control: [inpaintControl([V1, ...NETS])] })
    unmount()
    for (const [controls, nets, edit] of [[[], NETS, newEdit(IMAGE)], [[], NETS, null], [[], [V1], MASKED], [[inpaintControl(NETS)], NETS, MASKED]]) {
      const shown = show(controls, nets, edit)
      await screen.findByText('the models are known')
      expect(around()).not.toBeInTheDocument()
      shown.unmount()
    }
  })

  it('shows what is seen around the mask, by the ControlNets that can', async () => {
    const { onChange, user, container } = show([inpaintControl([V1, ...NETS])], [V1, ...NETS], MASKED)
    expect(await screen.findByText('What is new goes on from it.')).toBeInTheDocument()
    expect(container.querySelector('.control-preview img').src).toContain(`/api/inputs/${IMAGE}`)
    expect(server.bodiesOf('post', '/inputs/control')).toEqual([])
    expect(screen.queryByRole('combobox', { name: 'What is taken of it' })).not.toBeInTheDocument()
    const nets = await screen.findByRole('combobox', { name: 'ControlNet' })
    expect([...nets.options].map(({ text }) => text)).toEqual(['lite.safetensors'])
    fireEvent.change(screen.getByRole('slider', { name: 'How strongly' }), { target: { value: '0.5' } })
    expect(onChange.mock.lastCall[0].control[0]).toMatchObject({ kind: 'inpaint', image: null, scale: 0.5 })
    await user.click(screen.getByRole('button', { name: 'Remove' }))
    expect(onChange.mock.lastCall[0].control).toEqual([])
  })

  it('says that it waits for a mask', async () => {
    show([inpaintControl(NETS)], NETS, newEdit(IMAGE))
    expect(await screen.findByText(/this waits for one, and is not sent/)).toBeInTheDocument()
  })

  it('lets a ControlNet be blind to the mask', async () => {
    const { onChange, user, unmount } = show([newControl(IMAGE)], NETS, MASKED)
    const sees = await screen.findByRole('checkbox', { name: 'Sees the mask, and what is around it' })
    expect(sees).toBeChecked()
    await user.click(sees)
    expect(onChange.mock.lastCall[0].control[0].inpaint).toBe(false)
    unmount()
    const again = show([{ ...newControl(IMAGE), inpaint: false }], NETS, MASKED)
    const blind = await screen.findByRole('checkbox', { name: 'Sees the mask, and what is around it' })
    expect(blind).not.toBeChecked()
    await again.user.click(blind)
    expect(again.onChange.mock.lastCall[0].control[0].inpaint).toBeUndefined()
    again.unmount()
    show([newControl(IMAGE)], [V1], MASKED)
    await screen.findByRole('slider', { name: 'How strongly' })
    expect(screen.queryByRole('checkbox')).not.toBeInTheDocument()
  })
})
