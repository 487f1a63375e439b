import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { beforeEach, describe, expect, it, vi } from 'vitest'

import { useSettings } from '../../hooks/generate/useSettings.js'
import { ApiError } from '../../services/api.js'
import { makeImage, makeLora } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import GenerateForm from '../GenerateForm.jsx'

const SHA = 'ab'.repeat(32)

function Harness({ onGenerate, image }) {
  const form = useSettings()
  return (
    <>
      <GenerateForm form={form} onGenerate={onGenerate} />
      <button type="button" onClick={() => form.adopt(image)}>
        adopt
      </button>
    </>
  )
}

/** A form with these LoRAs chosen. */
function show(loras, { image, onGenerate = vi.fn(), ...options } = {}) {
  window.localStorage.setItem('zimage.settings', JSON.stringify({ prompt: 'a fox', num_inference_steps: 9, loras }))
  return { onGenerate, ...renderWith(<Harness onGenerate={onGenerate} image={image} />, options) }
}

const sent = async ({ user, onGenerate }) => {
  await user.keyboard('{Control>}{Enter}{/Control}')
  return onGenerate.mock.lastCall[0][0]
}
const prompt = () => screen.getByRole('textbox', { name: 'Prompt' })

beforeEach(() => {
  server.loras = [
    makeLora('ink', { title: 'Chinese ink', trigger_words: ['inkstyle', 'wet paper'], suggested: { strength: 0.8 } }),
    makeLora('renamed', { sha256: SHA, usage_hint: 'Best on plain grounds.' }),
    makeLora('fast', { role: 'distill-8', suggested: { num_inference_steps: 9, guidance_scale: null } }),
    makeLora('half', { matched: 4, of: 10 }),
    makeLora('elsewhere', { base: 'z-image' }),
  ]
})

describe('the LoRAs of the form', () => {
  it('are sent with the request, those that are off are not', async () => {
    const all = show([{ name: 'ink', strength: 0.8 }, { name: 'half', strength: 1.2 }])
    await all.user.click(await screen.findByRole('checkbox', { name: 'Use half' }))
    expect((await sent(all)).loras).toEqual([{ name: 'ink', strength: 0.8, start: 0, end: 1 }])
  })

  it('change their strength by slider and by number, beyond the slider too', async () => {
    const all = show([{ name: 'ink', strength: 1 }])
    const slider = await screen.findByRole('slider', { name: 'Strength of Chinese ink' })
    expect([slider.min, slider.max]).toEqual(['0', '1.5'])
    fireEvent.change(slider, { target: { value: '0.35' } })
    expect((await sent(all)).loras[0].strength).toBe(0.35)
    const number = screen.getByRole('spinbutton', { name: 'Strength of Chinese ink as a number' })
    fireEvent.change(number, { target: { value: '-' } })
    expect(number).toBeInvalid()
    fireEvent.change(number, { target: { value: '−1.2' } })
    expect(number).toBeValid()
    expect((await sent(all)).loras[0].strength).toBe(-1.2)
    expect([slider.min, slider.max]).toEqual(['-2', '2'])
    fireEvent.keyDown(number, { key: 'ArrowUp' })
    expect(number).toHaveValue('-1.15')
    fireEvent.doubleClick(slider)
    expect((await sent(all)).loras[0].strength).toBe(0.8)
  })

  it('act in a part of the steps', async () => {
    const all = show([{ name: 'ink' }])
    await all.user.click(await screen.findByText('In all steps'))
    fireEvent.change(screen.getByRole('slider', { name: 'From' }), { target: { value: '0.5' } })
    fireEvent.change(screen.getByRole('slider', { name: 'Until' }), { target: { value: '0.2' } })
    expect((await sent(all)).loras[0]).toMatchObject({ start: 0.5, end: 0.55 })
    expect(screen.getByText('From 50 % to 55 % of the steps')).toBeInTheDocument()
  })

  it('put their trigger words into the prompt, and out again', async () => {
    const { user } = show([{ name: 'ink' }])
    const word = await screen.findByRole('button', { name: 'inkstyle' })
    expect(word).toHaveAttribute('aria-pressed', 'false')
    await user.click(word)
    expect(prompt()).toHaveValue('a fox, inkstyle')
    expect(word).toHaveAttribute('aria-pressed', 'true')
    await user.click(word)
    expect(prompt()).toHaveValue('a fox')
    fireEvent.change(prompt(), { target: { value: 'Wet  paper' } })
    expect(screen.getByRole('button', { name: 'wet paper' })).toHaveAttribute('aria-pressed', 'true')
  })

  it('are taken off, and brought back', async () => {
    const all = show([{ name: 'ink' }])
    await all.user.click(await screen.findByRole('button', { name: 'Remove: Chinese ink' }))
    expect(await sent(all)).not.toHaveProperty('loras')
    await all.user.click(screen.getByRole('button', { name: 'Undo' }))
    expect((await sent(all)).loras).toHaveLength(1)
  })

  it('show what the server says of them, until they are changed', async () => {
    const onGenerate = vi.fn(() => {
      throw new ApiError({ status: 422, code: 'unknown_lora', message: '', fields: [{ field: 'loras.0.name', message: 'There is no LoRA gone.' }] })
    })
    const { user } = show([{ name: 'gone' }], { onGenerate })
    await user.keyboard('{Control>}{Enter}{/Control}')
    expect(await screen.findByRole('alert')).toHaveTextContent('There is no LoRA gone.')
    await user.click(await screen.findByRole('button', { name: 'Remove: gone' }))
    expect(screen.queryByRole('alert')).not.toBeInTheDocument()
  })

  it('say what they want, and get it at a click', async () => {
    const all = show([{ name: 'fast' }])
    expect(await screen.findByText(/It changes how the model draws \(distill-8\)/)).toBeInTheDocument()
    expect(screen.queryByRole('button', { name: /Apply/ })).not.toBeInTheDocument() // 9 steps it has.
    fireEvent.change(screen.getByRole('slider', { name: 'Steps' }), { target: { value: '30' } })
    await all.user.click(screen.getByRole('button', { name: 'Apply 9 steps (8 forwards)' }))
    expect((await sent(all)).num_inference_steps).toBe(9)
  })

  it.each([
    ['half', '4 of 10 layers fit this model.'],
    ['elsewhere', /It was made for z-image/],
    ['gone', /This file is not here/],
  ])('say what is to be known: %s', async (name, text) => {
    show([{ name }])
    expect(await screen.findByText(text)).toBeInTheDocument()
  })

  it('know a file under another name', async () => {
    show([{ name: 'as-it-was-called', sha256: SHA }])
    expect(await screen.findByText('renamed')).toBeInTheDocument()
    expect(screen.getByText('Best on plain grounds.')).toBeInTheDocument()
    expect(screen.queryByText(/This file is not here/)).not.toBeInTheDocument()
  })

  it('say that the name is of another file now, and take that one', async () => {
    server.loras = [makeLora('ink', { sha256: SHA })]
    const all = show([{ name: 'ink', sha256: SHA.replaceAll('a', 'c') }])
    expect(await screen.findByText(/Another file has this name now/)).toBeInTheDocument()
    await all.user.click(screen.getByRole('button', { name: 'Use the present one' }))
    expect(screen.queryByText(/Another file/)).not.toBeInTheDocument()
    expect((await sent(all)).loras).toEqual([{ name: 'ink', strength: 1, start: 0, end: 1 }])
  })

  it('come with a picture whose settings are taken over, and go with the form', async () => {
    const image = makeImage(1, { loras: [{ name: 'gone', strength: 0.5, start: 0, end: 1, sha256: SHA.replaceAll('a', 'c') }] })
    const all = show([{ name: 'ink' }], { image })
    await all.user.click(screen.getByRole('button', { name: 'adopt' }))
    expect(await screen.findByText(/This file is not here/)).toBeInTheDocument()
    expect((await sent(all)).loras).toEqual(image.loras)
    await all.user.click(screen.getByRole('button', { name: 'Reset' }))
    expect(screen.queryByText(/This file is not here/)).not.toBeInTheDocument()
  })

  it('are asked about by the estimate', async () => {
    show([{ name: 'ink', strength: 0.5 }])
    await waitFor(() => expect(server.bodiesOf('post', '/estimate').at(-1)?.loras).toEqual([{ name: 'ink', strength: 0.5, start: 0, end: 1 }]))
  })
})

describe('the picker', () => {
  it('is opened by its button, adds some, and is closed by Back', async () => {
    const all = show([])
    await all.user.click(screen.getByRole('button', { name: 'Add a LoRA' }))
    const dialog = await screen.findByRole('dialog', { name: 'LoRAs' })
    expect(window.location.search).toBe('?dialog=loras')
    await all.user.click(await within(dialog).findByRole('button', { name: 'Chinese ink' }))
    await all.user.click(within(dialog).getByRole('button', { name: 'half' }))
    expect(within(dialog).getByText('2 chosen')).toBeInTheDocument()
    act(() => window.history.back())
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument())
    expect((await sent(all)).loras.map(({ name, strength }) => [name, strength])).toEqual([['ink', 0.8], ['half', 1]])
  })

  it('is open after a reload', async () => {
    window.history.replaceState(null, '', '/?dialog=loras')
    show([])
    expect(await screen.findByRole('dialog', { name: 'LoRAs' })).toBeInTheDocument()
  })
})

describe('<lora: in the prompt', () => {
  it('offers names, which keys choose', async () => {
    const all = show([])
    await all.user.clear(prompt())
    await all.user.type(prompt(), 'a fox <lora:')
    const list = await screen.findByRole('listbox', { name: 'LoRAs of this name' })
    expect(prompt()).toHaveAttribute('aria-controls', list.id)
    await all.user.type(prompt(), 'in')
    await waitFor(() => expect(within(list).getAllByRole('option')).toHaveLength(1))
    const option = within(list).getByRole('option')
    expect(prompt()).toHaveAttribute('aria-activedescendant', option.id)
    await all.user.keyboard('{Enter}')
    expect(prompt()).toHaveValue('a fox <lora:ink:0.8>')
    expect(screen.queryByRole('listbox')).not.toBeInTheDocument()
    await all.user.keyboard(' in snow')
    expect((await sent(all)).prompt).toBe('a fox <lora:ink:0.8> in snow')
  })

  it('walks by arrows, takes by Tab or a click, and is closed by Esc', async () => {
    const { user } = show([])
    await user.clear(prompt())
    await user.type(prompt(), '<lora:')
    await screen.findByRole('listbox')
    const selected = () => screen.getByRole('listbox').querySelector('[aria-selected=true]').textContent
    const first = selected()
    await user.keyboard('{ArrowDown}')
    expect(selected()).not.toBe(first)
    await user.keyboard('{ArrowUp}{ArrowUp}')
    expect(screen.getByRole('listbox').lastElementChild).toHaveAttribute('aria-selected', 'true')
    await user.keyboard('{Escape}')
    expect(screen.queryByRole('listbox')).not.toBeInTheDocument()
    await user.keyboard('h')
    expect(screen.queryByRole('listbox')).not.toBeInTheDocument() // This tag wants no list.
    await user.keyboard('> <lora:ha')
    await user.click(await screen.findByRole('option', { name: 'half' }))
    expect(prompt()).toHaveValue('<lora:h> <lora:half:1>')
    expect(prompt()).toHaveFocus()
    await user.keyboard(' <lora:fa')
    await screen.findByRole('listbox')
    await user.tab()
    expect(prompt()).toHaveValue('<lora:h> <lora:half:1> <lora:fast:1>')
  })
})
