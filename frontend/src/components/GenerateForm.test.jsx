import { act, fireEvent, screen, waitFor } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { useSettings } from '../hooks/generate/useSettings.js'
import { ApiError } from '../services/api.js'
import { makeImage, makeTask, Refusal } from '../test/fakeServer.js'
import { renderWith } from '../test/render.jsx'
import GenerateForm from './GenerateForm.jsx'

function Harness({ onGenerate }) {
  const form = useSettings()
  return (
    <>
      <GenerateForm form={form} onGenerate={onGenerate} />
      <button type="button" onClick={() => form.adopt(makeImage(1))}>
        adopt
      </button>
      <button type="button" onClick={() => form.adopt(makeImage(2), 'seed')}>
        adopt seed
      </button>
      <button type="button" onClick={() => form.replace({ prompt: 'of a file', model: 'zimage-nano' })}>
        read a file
      </button>
    </>
  )
}

function setUp({ onGenerate = vi.fn(), ...options } = {}) {
  return { onGenerate, ...renderWith(<Harness onGenerate={onGenerate} />, options) }
}

const prompt = () => screen.getByRole('textbox', { name: 'Prompt' })
const SUBMIT = '{Control>}{Enter}{/Control}'
const submit = () => screen.getByRole('button', { name: /Generate/ })

describe('GenerateForm', () => {
  it('asks for a picture with the defaults of the API', async () => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), '一只红色的狐狸')
    await user.click(submit())
    expect(onGenerate).toHaveBeenCalledExactlyOnceWith([
      {
        prompt: '一只红色的狐狸',
        width: 1024,
        height: 1024,
        num_inference_steps: 9,
        use_gpu: true,
        seed: null,
        model: 'auto',
        num_images: 1,
      },
    ])
  })

  it.each([
    ['{"subject": "fox", "style": "red|blue"}', ['{"subject": "fox", "style": "red|blue"}']],
    ['two  spaces\n\tand {single}', ['two  spaces\n\tand {single}']],
    ['\\{a|b\\}', ['{a|b}']],
    [`{${'x'.repeat(2500)}|${'y'.repeat(2500)}}`, ['x'.repeat(2500), 'y'.repeat(2500)]],
  ])('sends what %j means', async (text, prompts) => {
    const { user, onGenerate } = setUp()
    fireEvent.change(prompt(), { target: { value: text } })
    await user.click(submit())
    expect(onGenerate.mock.calls[0][0].map((request) => request.prompt)).toEqual(prompts)
  })

  it('refuses choices that leave nothing', async () => {
    const { user, onGenerate } = setUp()
    fireEvent.change(prompt(), { target: { value: '{|}' } })
    await user.click(submit())
    expect(onGenerate).not.toHaveBeenCalled()
    expect(prompt()).toBeInvalid()
  })

  it.each([
    ['１０２４×７６８', '１２', '３'],
    ['1024 x 768', '12　', '３'],
    ['١٠٢٤×٧٦٨', '١٢', '٣'],
  ])('takes the digits of any keyboard: %s, %s, %s', async (size, seed, count) => {
    const { user, onGenerate } = setUp()
    const type = (role, name, value) => fireEvent.change(screen.getByRole(role, { name }), { target: { value } })
    await user.type(prompt(), 'fox')
    await user.click(screen.getByRole('radio', { name: 'Custom' }))
    type('spinbutton', 'Width', size)
    fireEvent.blur(screen.getByRole('spinbutton', { name: 'Width' }))
    type('textbox', 'Seed', seed)
    type('spinbutton', 'Pictures', count)
    await user.click(submit())
    const sent = { width: 1024, height: 768, seed: 12, num_images: 3 }
    expect(onGenerate).toHaveBeenCalledExactlyOnceWith([expect.objectContaining(sent)])
  })

  it('leaves digits alone while an input method is at them', () => {
    setUp()
    const seed = screen.getByRole('textbox', { name: 'Seed' })
    fireEvent.compositionStart(seed)
    fireEvent.input(seed, { target: { value: '１２' }, isComposing: true })
    expect(seed).toHaveValue('１２')
    fireEvent.compositionEnd(seed)
    expect(seed).toHaveValue('12')
  })

  it('counts by the arrow keys, within its limits', async () => {
    const { user } = setUp()
    const count = screen.getByRole('spinbutton', { name: 'Pictures' })
    await user.type(count, '{ArrowUp}{ArrowUp}{ArrowDown}{ArrowDown}{ArrowDown}')
    expect(count).toHaveValue('1')
    await user.type(count, '{ArrowUp}')
    expect(count).toHaveValue('2')
  })

  it('submits by Ctrl+Enter', async () => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), 'fox{Control>}{Enter}{/Control}')
    expect(onGenerate).toHaveBeenCalledOnce()
  })

  it('refuses an empty prompt, says so there and goes there', async () => {
    const { user, onGenerate } = setUp()
    await user.click(submit())
    expect(onGenerate).not.toHaveBeenCalled()
    expect(prompt()).toHaveFocus()
    expect(prompt()).toBeInvalid()
    expect(prompt()).toHaveAccessibleDescription('Write what the picture should show.')
    await user.type(prompt(), 'f')
    expect(prompt()).toBeValid()
  })

  it('fills in an example', async () => {
    const { user } = setUp()
    await user.click(screen.getByRole('button', { name: 'a cinematic portrait of an owl, 4k' }))
    expect(prompt()).toHaveValue('a cinematic portrait of an owl, 4k')
  })

  it('takes a shape, keeping the area, and one of its sizes', async () => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), 'fox')
    await user.click(screen.getByRole('radio', { name: '3:2' }))
    expect(screen.getByRole('combobox', { name: 'Size' })).toHaveValue('1248x832')
    await user.selectOptions(screen.getByRole('combobox', { name: 'Size' }), '1536x1024')
    await user.click(submit())
    expect(onGenerate.mock.calls[0][0][0]).toMatchObject({ width: 1536, height: 1024 })
  })

  it('takes any size and snaps it to the grid', async () => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), 'fox')
    await user.click(screen.getByRole('radio', { name: 'Custom' }))
    const width = screen.getByRole('spinbutton', { name: 'Width' })
    await user.clear(width)
    await user.type(width, '650')
    await user.click(screen.getByRole('button', { name: 'Swap width and height' }))
    await user.click(submit())
    expect(onGenerate.mock.calls[0][0][0]).toMatchObject({ width: 1024, height: 656 })
  })

  it('names the rule for a size that is missing', async () => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), 'fox')
    await user.click(screen.getByRole('radio', { name: 'Custom' }))
    const width = screen.getByRole('spinbutton', { name: 'Width' })
    await user.clear(width)
    await user.click(submit())
    expect(onGenerate).not.toHaveBeenCalled()
    expect(width).toHaveFocus()
    expect(width).toHaveAccessibleDescription(/divisible by 16/)
  })

  it.each([
    ['a preset', async (user) => {
      await user.type((await screen.findAllByPlaceholderText('Name'))[0], 'mine')
      await user.click(screen.getByRole('button', { name: 'Save the form' }))
      expect(await screen.findByRole('button', { name: 'Delete: mine' })).toBeInTheDocument()
    }],
    ['a list', async (user) => {
      await user.type((await screen.findAllByPlaceholderText('Name'))[1], 'colours')
      await user.type(screen.getByRole('textbox', { name: 'Entries, one a line' }), 'red')
      await user.click(screen.getByRole('button', { name: 'Save the list' }))
      expect(await screen.findByRole('button', { name: 'Delete: colours' })).toBeInTheDocument()
    }],
  ])('saves %s and generates nothing', async (_, save) => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), 'a fox')
    await user.click(screen.getByRole('button', { name: 'Saved' }))
    await save(user)
    expect(onGenerate).not.toHaveBeenCalled()
  })

  it('says which signs the model takes for plain words, and sends them all the same', async () => {
    const { onGenerate, user } = setUp()
    fireEvent.change(prompt(), { target: { value: 'a (fox:1.2) <hypernet:ink:0.8> of __colour__' } })
    expect(screen.getByText('To the model these are plain words: <hypernet:ink:0.8>, (fox:1.2)')).toBeInTheDocument()
    expect(screen.getByText(/There is no list of this name.*: __colour__/)).toBeInTheDocument()
    await user.click(submit())
    expect(onGenerate.mock.calls[0][0]).toMatchObject([{ prompt: 'a (fox:1.2) <hypernet:ink:0.8> of __colour__' }])
  })

  it('turns a preset on its side', async () => {
    const { user } = setUp()
    await user.click(screen.getByRole('radio', { name: '16:9' }))
    await user.click(screen.getByRole('button', { name: 'Swap width and height' }))
    expect(screen.getByRole('radio', { name: '9:16' })).toBeChecked()
    expect(screen.getByRole('combobox', { name: 'Size' })).toHaveValue('720x1280')
  })

  it('asks for several pictures, sixteen at most', async () => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), 'fox')
    const count = screen.getByRole('spinbutton', { name: 'Pictures' })
    await user.click(screen.getByRole('button', { name: 'One picture more' }))
    expect(screen.getByRole('button', { name: /^Generate 2/ })).toBeInTheDocument()
    fireEvent.change(count, { target: { value: '99' } })
    expect(count).toHaveValue('16')
    expect(screen.getByRole('button', { name: 'One picture more' })).toBeDisabled()
    await user.click(submit())
    expect(onGenerate.mock.calls[0][0][0]).toMatchObject({ num_images: 16 })
  })

  it('makes a task of every prompt that the written one stands for, and says so before', async () => {
    const { user, onGenerate } = setUp()
    fireEvent.change(prompt(), { target: { value: 'a {red|blue} {fox|owl}' } })
    expect(screen.getByText('Stands for 4 prompts')).toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: /^Generate 4/ }))
    expect(onGenerate.mock.calls[0][0].map((request) => request.prompt)).toEqual([
      'a red fox',
      'a red owl',
      'a blue fox',
      'a blue owl',
    ])
  })

  it('refuses a prompt that stands for too many, and says so while it is written', async () => {
    const { user, onGenerate } = setUp()
    fireEvent.change(prompt(), { target: { value: '{1|2|3|4|5}'.repeat(3) } })
    expect(screen.getByText('More than 64 prompts: too many at once.')).toBeInTheDocument()
    await user.click(submit())
    expect(onGenerate).not.toHaveBeenCalled()
    expect(prompt()).toHaveAccessibleDescription(/more than 64 prompts/)
  })

  it('says while it is written that the queue has no room for all', async () => {
    for (let number = 0; number < 48; number += 1) server.addTask(makeTask(`waiting-${number}`, { status: 'pending' }))
    server.addTask(makeTask('running'))
    setUp()
    fireEvent.change(prompt(), { target: { value: '{a|b}' } })
    expect(await screen.findByText('Stands for 2 prompts')).toBeInTheDocument()
    await waitFor(() => expect(server.requests.map(({ path }) => path)).toContain('/capabilities'))
    expect(screen.queryByText(/There is room/)).not.toBeInTheDocument()
    fireEvent.change(prompt(), { target: { value: '{a|b|c}' } })
    expect(await screen.findByText('There is room for 2 now; the rest stays here.')).toBeInTheDocument()
  })

  it('keeps in the prompt what there was no room for, and sends that alone', async () => {
    const error = new ApiError({ status: 429, code: 'queue_full', message: 'The queue is full.' })
    const onGenerate = vi.fn().mockRejectedValueOnce(Object.assign(error, { accepted: 3 }))
    const { user } = setUp({ onGenerate })
    fireEvent.change(prompt(), { target: { value: 'a {1|2|3|4|5} fox' } })
    await user.click(submit())
    expect(await screen.findByText('The queue is full. 3 requests were accepted before that. The other 2 are in the prompt still.')).toBeInTheDocument()
    expect(prompt()).toHaveValue('{a 4 fox|a 5 fox}')
    await user.keyboard(SUBMIT)
    expect(onGenerate.mock.calls[1][0].map((request) => request.prompt)).toEqual(['a 4 fox', 'a 5 fox'])
    prompt().focus()
    await user.keyboard('{Control>}z{/Control}')
    expect(prompt()).toHaveValue('a {1|2|3|4|5} fox')
  })

  it('leaves alone what was written while it was sent', async () => {
    let refuse
    const onGenerate = vi.fn(() => new Promise((_, reject) => (refuse = reject)))
    const { user } = setUp({ onGenerate })
    fireEvent.change(prompt(), { target: { value: '{1|2}' } })
    await user.click(submit())
    fireEvent.change(prompt(), { target: { value: 'an owl' } })
    await act(async () => refuse(Object.assign(new ApiError({ status: 429, code: 'queue_full', message: 'Full.' }), { accepted: 1 })))
    expect(prompt()).toHaveValue('an owl')
    expect(screen.getByRole('alert')).toHaveTextContent('Full. 1 request was accepted before that.')
  })

  it('draws one of the choices for each picture where that is wished', async () => {
    const { user, onGenerate } = setUp()
    fireEvent.change(prompt(), { target: { value: '{1|2|3|4|5}'.repeat(3) } })
    await user.click(screen.getByRole('checkbox', { name: 'Draw one at random' }))
    await user.click(screen.getByRole('button', { name: 'One picture more' }))
    await user.click(screen.getByRole('button', { name: /^Generate 2/ }))
    const [[requests]] = onGenerate.mock.calls
    expect(requests).toHaveLength(2)
    for (const request of requests) expect([request.num_images, request.prompt]).toEqual([1, expect.stringMatching(/^[1-5]{3}$/)])
    expect(prompt()).toHaveValue('{1|2|3|4|5}'.repeat(3))
  })

  it('counts tokens, and warns of a cut', async () => {
    server.overrides['post /tokens'] = () => ({ tokens: 549, template_tokens: 19, limit: 531, truncated: true, characters: 2 })
    setUp()
    fireEvent.change(prompt(), { target: { value: ' 🦊🦊 fox' } })
    expect(await screen.findByText('530 of 512 tokens')).toBeInTheDocument()
    expect(screen.getByText('The model will not see the last 4 characters, from “fox” on.')).toBeInTheDocument()
    expect(screen.getByRole('status')).toHaveTextContent('The model will not see the end of this prompt.')
    expect(document.querySelector('.prompt-copy mark')).toHaveTextContent('fox')
  })

  it('brings earlier prompts back by the arrow keys', async () => {
    const { user } = setUp()
    for (const text of ['first', 'second']) {
      fireEvent.change(prompt(), { target: { value: text } })
      await user.keyboard(SUBMIT)
    }
    await user.clear(prompt())
    await user.keyboard('{ArrowUp}')
    expect(prompt()).toHaveValue('second')
    await user.keyboard('{ArrowUp}')
    expect(prompt()).toHaveValue('first')
    await user.keyboard('{ArrowDown}{ArrowDown}')
    expect(prompt()).toHaveValue('')
  })

  it('takes back whatever has replaced what was written, by the message and by the key', async () => {
    const { user } = setUp()
    await user.type(prompt(), 'never sent')
    await user.click(screen.getByRole('button', { name: 'adopt' }))
    expect(prompt()).toHaveValue('picture 1')
    expect(screen.getByRole('status')).toHaveTextContent('The form has the settings of “picture 1”.')
    await user.click(screen.getByRole('button', { name: 'Undo' }))
    expect(prompt()).toHaveValue('never sent')
    expect(screen.getByRole('textbox', { name: 'Seed' })).toHaveValue('')

    await user.click(screen.getByRole('button', { name: 'adopt' }))
    await user.click(screen.getByRole('button', { name: 'adopt seed' }))
    await user.click(screen.getByRole('button', { name: 'Reset' }))
    expect(prompt()).toHaveValue('')
    const seeds = []
    for (let press = 0; press < 3; press += 1) {
      prompt().focus()
      await user.keyboard('{Control>}z{/Control}')
      seeds.push(screen.getByRole('textbox', { name: 'Seed' }).value)
    }
    expect(seeds).toEqual(['102', '101', ''])
    expect(prompt()).toHaveValue('never sent')
  })

  it('takes back what was typed word by word, before and after the form was replaced, and makes it again', async () => {
    const { user } = setUp()
    const press = (keys) => user.keyboard(`{Control>}${keys}{/Control}`)
    await user.type(prompt(), 'a fox')
    await user.click(screen.getByRole('button', { name: 'adopt' }))
    await user.type(prompt(), '!')
    const seen = []
    for (let step = 0; step < 5; step += 1) {
      prompt().focus()
      await press('z')
      seen.push(prompt().value)
    }
    expect(seen).toEqual(['picture 1', 'a fox', 'a ', '', ''])
    await press('{Shift>}z{/Shift}')
    await press('y')
    await press('y')
    expect(prompt()).toHaveValue('picture 1')
    expect(screen.getByRole('textbox', { name: 'Seed' })).toHaveValue('101')
  })

  it('puts the caret where it has taken something back', async () => {
    const { user } = setUp()
    await user.type(prompt(), 'a fox')
    await user.type(prompt(), 'red', { initialSelectionStart: 2, initialSelectionEnd: 2 })
    await user.keyboard('{Control>}z{/Control}')
    expect(prompt()).toHaveValue('a fox')
    expect(prompt().selectionStart).toBe(2)
  })

  it('remembers at least twenty states', async () => {
    const { user } = setUp()
    for (let draft = 0; draft < 20; draft += 1) {
      fireEvent.change(prompt(), { target: { value: `draft ${draft}` } })
      fireEvent.click(screen.getByRole('button', { name: 'adopt' }))
    }
    const brought = []
    for (let press = 0; press < 20; press += 1) {
      prompt().focus()
      await user.keyboard('{Control>}z{/Control}')
      brought.unshift(prompt().value)
      await user.keyboard('{Control>}z{/Control}') // the draft itself, which was typed
    }
    expect(brought).toEqual(Array.from({ length: 20 }, (_, draft) => `draft ${draft}`))
  })

  it('finds drafts that were never sent among the earlier prompts', async () => {
    const { user } = setUp()
    await user.type(prompt(), 'never sent')
    await user.click(screen.getByRole('button', { name: 'adopt' }))
    await user.clear(prompt())
    await user.keyboard('{ArrowUp}')
    expect(prompt()).toHaveValue('never sent')
  })

  it('saves the form as a style and wraps the prompt in it', async () => {
    const { user } = setUp()
    fireEvent.change(prompt(), { target: { value: '{prompt}, watercolour' } })
    await user.click(screen.getByRole('button', { name: 'Saved' }))
    await user.type(await screen.findByRole('textbox', { name: 'Presets and styles' }), 'Washes{Enter}')
    await user.click(screen.getByRole('button', { name: 'Close' }))
    fireEvent.change(prompt(), { target: { value: 'an owl' } })
    await user.click(screen.getByRole('button', { name: 'Saved' }))
    await user.click(await screen.findByRole('button', { name: /^Washes/ }))
    expect(prompt()).toHaveValue('an owl, watercolour')
  })

  it('opens what is saved at an address of its own, which Back leaves', async () => {
    const { user } = setUp()
    await user.click(screen.getByRole('button', { name: 'Saved' }))
    expect(await screen.findByRole('textbox', { name: 'Lists' })).toBeInTheDocument()
    expect(window.location.search).toBe('?dialog=saved')
    window.history.back()
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument())
    expect(window.location.search).toBe('')
  })

  it('lets a saved list stand for its entries', async () => {
    const { user } = setUp()
    await user.click(screen.getByRole('button', { name: 'Saved' }))
    await user.type(await screen.findByRole('textbox', { name: 'Lists' }), 'animal')
    await user.type(screen.getByRole('textbox', { name: 'Entries, one a line' }), 'fox{Enter}owl{Enter}bee')
    await user.click(screen.getByRole('button', { name: 'Save the list' }))
    await user.click(screen.getByRole('button', { name: 'Close' }))
    fireEvent.change(prompt(), { target: { value: 'a red __animal__' } })
    expect(screen.getByText('Stands for 3 prompts')).toBeInTheDocument()
  })

  it('shows the few settings when that is wished, and remembers it', async () => {
    const { user, unmount } = setUp()
    await user.click(screen.getByRole('button', { name: 'Simple' }))
    expect(screen.queryByRole('slider', { name: 'Steps' })).not.toBeInTheDocument()
    unmount()
    setUp()
    expect(screen.getByRole('button', { name: 'Simple' })).toHaveAttribute('aria-pressed', 'true')
  })

  it('resets one field and leaves the others', async () => {
    const { user } = setUp()
    fireEvent.change(prompt(), { target: { value: 'kept' } })
    fireEvent.change(screen.getByRole('slider', { name: 'Steps' }), { target: { value: '20' } })
    await user.click(screen.getByRole('button', { name: 'Reset: Steps' }))
    expect(screen.getByRole('slider', { name: 'Steps' })).toHaveValue('9')
    expect(prompt()).toHaveValue('kept')
    expect(screen.queryByRole('button', { name: 'Reset: Steps' })).not.toBeInTheDocument()
  })

  describe('what it will take', () => {
    it('is said before the click: memory, and the time once something alike was drawn', async () => {
      server.estimate = { ...server.estimate, load_s: 4, first_s: 10, next_s: 8 }
      const { user } = setUp()
      expect(await screen.findByText('≈ 0.5 of 24.0 GB · about 14 s')).toBeInTheDocument()
      await user.click(screen.getByRole('button', { name: 'One picture more' }))
      expect(await screen.findByText('≈ 0.5 of 24.0 GB · about 22 s')).toBeInTheDocument()
    })

    it('leaves the time out while nobody can tell', async () => {
      setUp()
      expect(await screen.findByText('≈ 0.5 of 24.0 GB')).toBeInTheDocument()
    })

    it('asks for the settings, not for the prompt', async () => {
      const { user } = setUp()
      await screen.findByText('≈ 0.5 of 24.0 GB')
      const asked = server.bodiesOf('post', '/estimate').length
      fireEvent.change(prompt(), { target: { value: 'a fox' } })
      await user.click(screen.getByRole('button', { name: 'One picture more' }))
      await waitFor(() => expect(server.bodiesOf('post', '/estimate').at(-1)).toMatchObject({ prompt: 'a', num_images: 2 }))
      expect(server.bodiesOf('post', '/estimate')).toHaveLength(asked + 1)
    })

    it('offers the size that fits where this one does not', async () => {
      const offer = { width: 512, height: 256 }
      server.estimate = { ...server.estimate, fits: false, device_bytes: 30e9, device_total_bytes: 8e9, offer }
      const { user } = setUp()
      expect(await screen.findByText(/This needs 30.0 GB of memory, and there are 8.0\./)).toBeInTheDocument()
      await user.click(screen.getByRole('button', { name: 'Take 512 × 256, which fits' }))
      await waitFor(() =>
        expect(server.bodiesOf('post', '/estimate').at(-1)).toMatchObject({ width: 512, height: 256 }),
      )
    })
  })

  it('says how many forwards the steps are', () => {
    setUp()
    const slider = screen.getByRole('slider', { name: 'Steps' })
    expect(slider).toHaveAttribute('aria-valuetext', '9 steps = 8 forwards')
    expect(slider).toHaveAttribute('max', '50')
    expect(screen.getByText('= 8 forwards')).toBeInTheDocument()
    expect(screen.getByRole('spinbutton', { name: 'Steps' })).toHaveValue('9')
  })

  it('says for how many steps a model is made', async () => {
    const [turbo, nano] = server.models.models
    server.models = { ...server.models, models: [turbo, { ...nano, default_steps: 50 }] }
    setUp()
    expect(await screen.findByText('This model is made for 50 steps.')).toBeInTheDocument()
    fireEvent.change(screen.getByRole('slider', { name: 'Steps' }), { target: { value: '50' } })
    expect(screen.queryByText(/This model is made for/)).not.toBeInTheDocument()
  })

  it('draws a seed, changes it after each request unless it is locked, and clears it', async () => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), 'fox')
    const seed = screen.getByRole('textbox', { name: 'Seed' })
    await user.click(screen.getByRole('button', { name: 'Draw a seed' }))
    const drawn = seed.value
    expect(drawn).toMatch(/^\d+$/)
    const lock = screen.getByRole('button', { name: 'Keep this seed' })
    expect(lock).toHaveAttribute('aria-pressed', 'true')
    await user.click(submit())
    expect(seed).toHaveValue(drawn)
    await user.click(lock)
    await user.keyboard(SUBMIT)
    await waitFor(() => expect(seed.value).not.toBe(drawn))
    expect(onGenerate.mock.calls.map(([[request]]) => request.seed)).toEqual([Number(drawn), Number(drawn)])
    await user.click(screen.getByRole('button', { name: 'Reset: Seed' }))
    expect(seed).toHaveValue('')
  })

  it('draws another seed for each press, before the server has answered', async () => {
    const { user, onGenerate } = setUp()
    onGenerate.mockImplementation(() => new Promise(() => {}))
    await user.type(prompt(), 'fox')
    await user.click(screen.getByRole('button', { name: 'Draw a seed' }))
    await user.click(screen.getByRole('button', { name: 'Keep this seed' }))
    for (let press = 0; press < 6; press += 1) await user.keyboard(SUBMIT)
    expect(new Set(onGenerate.mock.calls.map(([[request]]) => request.seed)).size).toBe(6)
  })

  it('takes a double click for one, and each press of a key for one', async () => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), 'fox')
    await user.dblClick(submit())
    expect(onGenerate).toHaveBeenCalledOnce()
    submit().focus()
    await user.keyboard('{Enter}{Enter}')
    expect(onGenerate).toHaveBeenCalledTimes(3)
  })

  it('takes a second click for one of its own when something was written in between', async () => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), 'fox')
    await user.click(submit())
    fireEvent.input(prompt(), { target: { value: 'owl' } })
    await user.click(submit())
    expect(onGenerate.mock.calls.map(([[request]]) => request.prompt)).toEqual(['fox', 'owl'])
  })

  it('keeps the seed of what was refused', async () => {
    const { user, onGenerate } = setUp()
    onGenerate.mockRejectedValue(new ApiError({ status: 429, code: 'queue_full', message: 'The queue is full.' }))
    await user.type(prompt(), 'fox')
    const seed = screen.getByRole('textbox', { name: 'Seed' })
    await user.click(screen.getByRole('button', { name: 'Draw a seed' }))
    await user.click(screen.getByRole('button', { name: 'Keep this seed' }))
    const drawn = seed.value
    await user.keyboard(SUBMIT)
    expect(await screen.findByText('The queue is full.')).toBeInTheDocument()
    expect(seed).toHaveValue(drawn)
    expect(prompt()).toHaveValue('fox')
  })

  it('takes the seed of the latest picture', async () => {
    server.images = [makeImage(1)]
    const { user } = setUp()
    const last = screen.getByRole('button', { name: 'Same as the latest picture' })
    await waitFor(() => expect(last).toBeEnabled())
    await user.click(last)
    expect(screen.getByRole('textbox', { name: 'Seed' })).toHaveValue('101')
  })

  it('takes -1 for a random seed, and says so', async () => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), 'fox')
    const seed = screen.getByRole('textbox', { name: 'Seed' })
    expect(seed).toHaveAccessibleDescription('Empty or -1 draws one at random.')
    await user.type(seed, '-1')
    expect(screen.queryByRole('button', { name: 'Keep this seed' })).not.toBeInTheDocument()
    await user.click(submit())
    expect(onGenerate.mock.calls[0][0]).toMatchObject([{ seed: null }])
    await user.type(seed, '5')
    expect(seed).toHaveAccessibleDescription('The same seed and settings give the same picture.')
  })

  it('takes no device from a picture, and no model that "auto" means', async () => {
    const { user, onGenerate } = setUp()
    await screen.findByRole('option', { name: 'Auto (zimage-nano, demo model)' })
    for (const name of ['adopt', 'read a file']) {
      await user.click(screen.getByRole('button', { name }))
      await user.click(submit())
      expect(onGenerate.mock.lastCall[0]).toMatchObject([{ model: 'auto', use_gpu: true }])
    }
  })

  it('says that there is no GPU, and what the size becomes', async () => {
    setUp()
    await waitFor(() => expect(screen.getByRole('checkbox', { name: 'Use the GPU' })).toBeDisabled())
    expect(screen.getByRole('checkbox', { name: 'Use the GPU' })).not.toBeChecked()
    expect(await screen.findByText(/no GPU: pictures are drawn on the CPU/)).toBeInTheDocument()
    expect(await screen.findByText('Drawn at 512 × 512.')).toBeInTheDocument()
  })

  it('names the model behind "auto" and offers only installed ones', async () => {
    setUp()
    expect(await screen.findByRole('option', { name: 'Auto (zimage-nano, demo model)' })).toBeInTheDocument()
    expect(screen.getByRole('option', { name: 'Z-Image-Turbo (not installed)' })).toBeDisabled()
  })

  it('shows the refusals of the server at their fields', async () => {
    const refusal = new Refusal(422, 'validation_error', 'Not valid.')
    const error = Object.assign(refusal, { fields: [{ field: 'seed', message: 'Seed is taken.' }] })
    const { user } = setUp({ onGenerate: vi.fn().mockRejectedValue(error) })
    await user.type(prompt(), 'fox')
    await user.click(submit())
    const seed = screen.getByRole('textbox', { name: 'Seed' })
    expect(seed).toHaveFocus()
    expect(seed).toHaveAccessibleDescription(/Seed is taken/)
  })

  const LORA = { field: 'loras.0.name', message: 'There is no LoRA ‘ink’.' }

  it.each([
    ['other settings are loaded', (user) => user.click(screen.getByRole('button', { name: 'adopt' }))],
    ['a file is read', (user) => user.click(screen.getByRole('button', { name: 'read a file' }))],
    ['the prompt is written', (user) => user.type(prompt(), '!')],
    ['all is taken back', async (user) => {
      prompt().focus()
      await user.keyboard('{Control>}z{/Control}')
    }],
  ])('forgets what was refused once %s', async (_, change) => {
    const error = Object.assign(new Refusal(422, 'unknown_lora', 'Not here.'), { fields: [LORA] })
    const { user } = setUp({ onGenerate: vi.fn().mockRejectedValue(error) })
    await user.type(prompt(), 'fox <lora:ink:1>')
    await user.click(submit())
    expect(await screen.findByText(LORA.message)).toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: 'One picture more' }))
    expect(screen.getByText(LORA.message)).toBeInTheDocument()
    await change(user)
    expect(screen.queryByText(LORA.message)).not.toBeInTheDocument()
  })

  it('stays where one writes while another field is wrong still', async () => {
    const { user } = setUp()
    await user.type(screen.getByRole('textbox', { name: 'Seed' }), '1.5')
    await user.click(submit())
    expect(prompt()).toHaveFocus()
    await user.keyboard('fox')
    expect(prompt()).toHaveFocus()
    expect(prompt()).toHaveValue('fox')
    expect(screen.getByRole('textbox', { name: 'Seed' })).toBeInvalid()
  })

  it('shows other refusals above the button', async () => {
    const error = Object.assign(new Error(''), { status: 429, code: 'queue_full', fields: [] })
    const { user } = setUp({ onGenerate: vi.fn().mockRejectedValue(error) })
    await user.type(prompt(), 'fox')
    await user.click(submit())
    expect(screen.getByRole('alert')).toHaveTextContent('The queue is full')
  })

  it('keeps its values across a reload, until they are reset', async () => {
    const { user, unmount } = setUp()
    await user.type(prompt(), 'kept')
    unmount()
    const again = setUp()
    expect(prompt()).toHaveValue('kept')
    await again.user.click(screen.getByRole('button', { name: 'Reset' }))
    expect(prompt()).toHaveValue('')
  })

  it('speaks Chinese', async () => {
    setUp({ language: 'zh' })
    expect(screen.getByRole('textbox', { name: '提示词' })).toBeInTheDocument()
    expect(screen.getByText('= 8 次前向')).toBeInTheDocument()
  })
})
