import { act, screen, waitFor } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import GenerateForm from '../../../components/GenerateForm.jsx'
import { Refusal } from '../../../test/fakeServer.js'
import { renderWith } from '../../../test/render.jsx'
import { useSettings } from '../../generate/useSettings.js'
import { namesOf } from './useArrivals.js'

const OLD = 'a'.repeat(64)
const MODEL = { id: 'm', name: 'M', installed: true, demo: false, size_multiple: 16, can: ['text', 'image', 'mask', 'control', 'references'] }
const WAITS = 'Sends as soon as the picture is there.'
const SUBMIT = '{Control>}{Enter}{/Control}'

function Harness({ onGenerate }) {
  return <GenerateForm form={useSettings()} onGenerate={onGenerate} />
}

const file = (name) => new File(['png'], name, { type: 'image/png' })
const idOf = (name) => name[0].repeat(64)

/** A form whose pictures come when the test says so: `arrive(name)`, or not at all: `refuse(name)`. */
async function setUp({ control = [], ...settings } = {}) {
  const asked = {}
  server.models = { default: 'm', loaded: null, models: [MODEL], controls: [{ name: 'Union.safetensors', takes_mask: false }] }
  server.overrides['post /inputs'] = ({ body }) =>
    new Promise((resolve, reject) => (asked[body.get('file').name] = { resolve, reject }))
  localStorage.setItem('zimage.settings', JSON.stringify({ prompt: 'a fox', model: 'm', control, ...settings }))
  const onGenerate = vi.fn(async () => ['task-1'])
  const rendered = renderWith(<Harness onGenerate={onGenerate} />)
  await screen.findByTestId('reference-file')
  const answer = async (name, act_) => {
    await waitFor(() => expect(asked).toHaveProperty([name]))
    await act(async () => act_(asked[name]))
  }
  const arrive = (name, size = 512) => answer(name, ({ resolve }) => resolve({ input_id: idOf(name), width: size, height: size }))
  const refuse = (name) => answer(name, ({ reject }) => reject(new Refusal(422, 'unreadable_image', 'This is no PNG.')))
  const choose = (kind, ...names) => rendered.user.upload(screen.getByTestId(`${kind}-file`), names.map(file))
  return { ...rendered, onGenerate, arrive, refuse, choose }
}

const sentBy = (onGenerate, call = 0) => onGenerate.mock.calls[call][0][0]
const visible = (text) => screen.getAllByText(text)
const fieldOf = (kind) => screen.getByTestId(`${kind}-file`).closest('[aria-busy]')

describe('a picture on its way', () => {
  it('is named at once, and what is sent meanwhile waits for it', async () => {
    const { user, onGenerate, choose, arrive } = await setUp()
    await choose('source', 'fox.png')
    expect(visible('Loading fox.png …')).not.toHaveLength(0)
    expect(fieldOf('source')).toHaveAttribute('aria-busy', 'true')
    await user.keyboard(SUBMIT)
    expect(visible(WAITS)).not.toHaveLength(0)
    expect(onGenerate).not.toHaveBeenCalled()
    await arrive('fox.png')
    await waitFor(() => expect(onGenerate).toHaveBeenCalledOnce())
    expect(sentBy(onGenerate)).toMatchObject({ prompt: 'a fox', init_image: { input_id: idOf('fox.png') } })
    expect(document.querySelector('.form-waiting')).toBeNull()
    expect(document.querySelector('.source')).toHaveAttribute('aria-busy', 'false')
  })

  it('takes what the form said at each press', async () => {
    const { user, onGenerate, choose, arrive } = await setUp({ seed: '5', seed_locked: false })
    await choose('source', 'fox.png')
    await user.keyboard(SUBMIT)
    await user.type(screen.getByRole('textbox', { name: 'Prompt' }), ', red')
    await user.keyboard(SUBMIT)
    expect(visible('Sends 2 as soon as the picture is there.')).not.toHaveLength(0)
    await arrive('fox.png')
    await waitFor(() => expect(onGenerate).toHaveBeenCalledTimes(2))
    const [one, other] = [0, 1].map((call) => sentBy(onGenerate, call))
    expect([one.prompt, other.prompt]).toEqual(['a fox', 'a fox, red'])
    expect(one.seed).toBe(5)
    expect(other.seed).not.toBe(5)
    expect(other.init_image).toEqual({ input_id: idOf('fox.png') })
  })

  it('that does not come sends nothing, says why, and leaves the one before', async () => {
    const { user, onGenerate, choose, refuse } = await setUp({ edit: { image: OLD }, seed: '5', seed_locked: false })
    await choose('source', 'x.svg')
    await user.keyboard(SUBMIT)
    await refuse('x.svg')
    expect(await screen.findByRole('alert')).toHaveTextContent('Nothing was sent: This is no PNG.')
    expect(onGenerate).not.toHaveBeenCalled()
    expect(document.querySelector('.form-waiting')).toBeNull()
    await user.keyboard(SUBMIT)
    expect(sentBy(onGenerate)).toMatchObject({ init_image: { input_id: OLD }, seed: 5 })
  })

  it('is not painted on, nor is the one before, and can be given up', async () => {
    const { user, onGenerate, choose, arrive } = await setUp({ edit: { image: OLD } })
    const canvas = () => screen.queryByRole('button', { name: 'Mask and canvas' })
    expect(canvas()).toBeInTheDocument()
    await choose('source', 'fox.png')
    expect(canvas()).not.toBeInTheDocument()
    await user.keyboard(SUBMIT)
    await user.click(screen.getByRole('button', { name: 'Do not take it' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('Nothing was sent: The picture was not taken.')
    expect(screen.getByRole('button', { name: 'Choose another picture' })).toHaveFocus()
    await arrive('fox.png')
    expect(canvas()).toBeInTheDocument()
    await user.keyboard(SUBMIT)
    expect(sentBy(onGenerate).init_image).toEqual({ input_id: OLD })
  })

  it('is the one that was chosen last, whichever comes first', async () => {
    const { user, onGenerate, choose, arrive } = await setUp()
    await choose('source', 'first.png')
    await choose('source', 'second.png')
    await user.keyboard(SUBMIT)
    await arrive('second.png')
    await waitFor(() => expect(onGenerate).toHaveBeenCalledOnce())
    await arrive('first.png')
    expect(sentBy(onGenerate).init_image).toEqual({ input_id: idOf('second.png') })
    expect(document.querySelector('.source-thumb img').src).toContain(idOf('second.png'))
  })

  it('is one of several: all are waited for, references in their order', async () => {
    const { user, onGenerate, choose, arrive } = await setUp()
    await choose('source', 'fox.png')
    await choose('reference', 'b.png', 'c.png')
    expect(screen.getByRole('button', { name: 'Adding b.png, c.png …' })).toHaveAttribute('aria-disabled', 'true')
    await user.keyboard(SUBMIT)
    await arrive('b.png')
    await arrive('fox.png')
    expect(onGenerate).not.toHaveBeenCalled()
    await arrive('c.png')
    await waitFor(() => expect(onGenerate).toHaveBeenCalledOnce())
    expect(sentBy(onGenerate)).toMatchObject({
      init_image: { input_id: idOf('fox.png') },
      references: ['b', 'c'].map((name) => ({ input_id: idOf(name) })),
    })
  })

  it('sends nothing where one of several is of no use, and keeps the others', async () => {
    const { user, onGenerate, choose, arrive } = await setUp()
    await choose('reference', 'b.png', 'c.png')
    await user.keyboard(SUBMIT)
    await arrive('b.png', 32)
    await arrive('c.png')
    expect(await screen.findByRole('alert')).toHaveTextContent(/Nothing was sent: A reference needs at least 64 pixels.*32 × 32/)
    expect(onGenerate).not.toHaveBeenCalled()
    expect(screen.getAllByRole('img', { name: /^Reference/ })).toHaveLength(1)
  })

  it('guides once it is there', async () => {
    const { user, onGenerate, choose, arrive } = await setUp()
    await screen.findByTestId('control-file')
    await choose('control', 'edges.png')
    expect(fieldOf('control')).toHaveAttribute('aria-busy', 'true')
    await user.keyboard(SUBMIT)
    await arrive('edges.png')
    await waitFor(() => expect(onGenerate).toHaveBeenCalledOnce())
    expect(JSON.stringify(sentBy(onGenerate))).toContain(idOf('edges.png'))
  })

  it('gives way to a form that is cleared', async () => {
    const { user, choose, arrive } = await setUp()
    await choose('source', 'fox.png')
    await user.click(screen.getByRole('button', { name: 'Reset' }))
    await arrive('fox.png')
    expect(document.querySelector('.source-thumb')).toBeNull()
  })

  it('does not keep what is refused at once waiting', async () => {
    const { user, onGenerate, choose } = await setUp({ prompt: '' })
    await choose('source', 'fox.png')
    await user.keyboard(SUBMIT)
    expect(screen.getByRole('textbox', { name: 'Prompt' })).toHaveAttribute('aria-invalid', 'true')
    expect(document.querySelector('.form-waiting')).toBeNull()
    expect(onGenerate).not.toHaveBeenCalled()
  })
})

describe('namesOf', () => {
  it('are those of one of the settings', () => {
    const arriving = [{ field: 'edit', names: ['a'] }, { field: 'references', names: ['b', 'c'] }]
    expect([namesOf(arriving, 'references'), namesOf(arriving, 'control')]).toEqual([['b', 'c'], []])
  })
})
