import { screen, waitFor } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { useSettings } from '../../hooks/generate/useSettings.js'
import { makeImage, Refusal } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import GenerateForm from '../GenerateForm.jsx'

const [FOX, SKY] = ['a', 'b'].map((digit) => digit.repeat(64))
const OMNI = { id: 'omni', name: 'Omni', installed: true, demo: false, size_multiple: 16, guidance: false, can: ['text', 'references', 'loras'] }
const PLAIN = { ...OMNI, id: 'plain', name: 'Plain', can: ['text', 'image', 'mask', 'upscale', 'control', 'loras'] }

function Harness({ onGenerate, sources }) {
  const form = useSettings()
  const press = (name, work) => (
    <button type="button" onClick={work}>
      {name}
    </button>
  )
  return (
    <>
      <GenerateForm form={form} onGenerate={onGenerate} />
      {press('refer', () => form.sources.refer(sources))}
      {press('draw', () => form.sources.drawFrom(sources[0]))}
      {press('adopt', () => form.adopt(makeImage(1, { model: 'omni', references: [SKY, FOX, SKY] })))}
    </>
  )
}

function setUp({ sources = [], ...settings } = {}) {
  server.models = { default: 'plain', loaded: null, models: [PLAIN, OMNI] }
  localStorage.setItem('zimage.settings', JSON.stringify({ prompt: 'a fox', model: 'omni', ...settings }))
  const onGenerate = vi.fn()
  return { onGenerate, ...renderWith(<Harness onGenerate={onGenerate} sources={sources} />) }
}

/** The server keeps a file under its name's first letter; `sizes` are by name. */
function keepFiles({ sizes = {}, clear = [] } = {}) {
  server.overrides['post /inputs'] = ({ body }) => {
    const name = body instanceof FormData ? body.get('file').name : body.image_id
    if (name.startsWith('x')) throw new Refusal(422, 'unreadable_image', 'This is no PNG.')
    const [width, height] = sizes[name] ?? [512, 512]
    return { input_id: name[0].repeat(64), width, height, has_alpha: clear.includes(name) }
  }
}

const file = (name) => new File(['png'], name, { type: 'image/png' })
/** A passing sentence; the page's status region says the newest one, too. */
const said = (text) => screen.findAllByText(text)
const field = () => screen.findByRole('group', { name: 'From reference pictures' })
const shown = () => screen.queryAllByRole('img', { name: /^Reference/ }).map(({ src }) => src.at(-1)).join('')
const submit = () => screen.getByRole('button', { name: /Generate/ })
const sent = (onGenerate) => onGenerate.mock.lastCall[0][0]

describe('what a model draws from', () => {
  it('is all that is shown and sent, and what was meant for others stays', async () => {
    const { onGenerate, user } = setUp({ references: [FOX, SKY], edit: { image: SKY } })
    await field()
    expect(shown()).toBe('ab')
    expect(screen.queryByRole('group', { name: 'From a picture' })).not.toBeInTheDocument()
    await user.click(submit())
    expect(sent(onGenerate)).toMatchObject({ references: [{ input_id: FOX }, { input_id: SKY }], width: 1024 })
    expect(sent(onGenerate)).not.toHaveProperty('init_image')

    await user.selectOptions(screen.getByRole('combobox', { name: 'Model' }), 'plain')
    expect(await screen.findByRole('group', { name: 'From a picture' })).toBeInTheDocument()
    expect(shown()).toBe('')
    await user.click(submit())
    expect(sent(onGenerate)).toMatchObject({ init_image: { input_id: SKY } })
    expect(sent(onGenerate)).not.toHaveProperty('references')

    await user.selectOptions(screen.getByRole('combobox', { name: 'Model' }), 'omni')
    await waitFor(() => expect(shown()).toBe('ab'))
  })

  it('is taken, one after the other, as long as there is room; what cannot be read is said', async () => {
    keepFiles({ sizes: { 'd.png': [40, 70] } })
    const sources = [file('c.png'), file('x.svg'), file('d.png'), makeImage(14), ...Array.from('345678', (digit) => file(`${digit}.png`))]
    const { user } = setUp({ references: [FOX], sources })
    await field()
    await user.click(screen.getByRole('button', { name: 'refer' }))
    await said('The form refers to these 5 pictures.')
    expect(shown()).toBe('ac0345')
    expect(server.bodiesOf('post', '/inputs').at(3)).toEqual({ image_id: makeImage(14).id })
    await said('There is room for 8 references: the others were left.')
    await user.keyboard('{Control>}z{/Control}')
    expect(shown()).toBe('a')
  })

  it('says why a picture cannot be a reference', async () => {
    keepFiles({ sizes: { 'd.png': [40, 70] } })
    const { user } = setUp({ sources: [file('x.svg'), file('d.png')] })
    await field()
    await user.click(screen.getByRole('button', { name: 'refer' }))
    await said(/at least 64 pixels a side.*40 × 70/)
    await said('This is no PNG.')
    expect(shown()).toBe('')
  })

  it('comes back with the settings of a picture, and goes again', async () => {
    const { user } = setUp({ references: [FOX] })
    await field()
    await user.click(screen.getByRole('button', { name: 'adopt' }))
    await waitFor(() => expect(shown()).toBe('bab'))
    await user.click(screen.getByRole('button', { name: 'Undo' }))
    expect(shown()).toBe('a')
  })

  it('is said where the server refuses it, and until it changes', async () => {
    const { onGenerate, user } = setUp({ references: [FOX, SKY] })
    await field()
    onGenerate.mockImplementation(() => {
      throw Object.assign(new Error('refused'), { fields: [{ field: 'references.1', message: 'There is no input with this id.' }] })
    })
    await user.click(submit())
    expect(await screen.findByText('There is no input with this id.')).toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: 'Remove: reference 2' }))
    expect(screen.queryByText('There is no input with this id.')).not.toBeInTheDocument()
  })
})

describe('a picture that is transparent somewhere', () => {
  it('can be masked by that, and no longer', async () => {
    keepFiles({ clear: ['c.png'] })
    server.overrides['post /inputs/mask'] = ({ body }) => {
      expect(body).toEqual({ image: { input_id: 'c'.repeat(64) } })
      return { input_id: FOX }
    }
    const { onGenerate, user } = setUp({ model: 'plain', sources: [file('c.png')] })
    await user.click(screen.getByRole('button', { name: 'draw' }))
    await said('The form draws from this picture.')
    await user.click(screen.getByRole('button', { name: 'Mask from its transparency' }))
    expect(await screen.findByText('What is masked is drawn anew.')).toBeInTheDocument()
    await user.click(submit())
    expect(sent(onGenerate)).toMatchObject({ mask: { input_id: FOX }, strength: 1 })
    await user.keyboard('{Control>}z{/Control}')
    expect(screen.getByText('All of it is drawn anew.')).toBeInTheDocument()
    expect(screen.getByRole('button', { name: 'Mask from its transparency' })).toBeInTheDocument()
  })

  it('is no other one: nothing is offered of an opaque one', async () => {
    keepFiles()
    const { user } = setUp({ model: 'plain', sources: [file('c.png')] })
    await user.click(screen.getByRole('button', { name: 'draw' }))
    await said('The form draws from this picture.')
    expect(screen.queryByRole('button', { name: 'Mask from its transparency' })).not.toBeInTheDocument()
  })
})
