import { fireEvent, screen } from '@testing-library/react'
import { beforeEach, describe, expect, it, vi } from 'vitest'

import { useSettings } from '../../hooks/generate/useSettings.js'
import { GUIDED, makeImage } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import GenerateForm from '../GenerateForm.jsx'

const BASE_PICTURE = makeImage(1, { model: 'z-image', guidance_scale: 7, negative_prompt: 'blurry' })

function Harness({ onGenerate }) {
  const form = useSettings()
  return (
    <>
      <GenerateForm form={form} onGenerate={onGenerate} />
      <button onClick={() => form.adopt(BASE_PICTURE)}>adopt</button>
    </>
  )
}

function setUp(options) {
  const onGenerate = vi.fn()
  return { onGenerate, ...renderWith(<Harness onGenerate={onGenerate} />, options) }
}

const guidance = () => screen.findByRole('slider', { name: 'Guidance' })
const negative = () => screen.findByRole('textbox', { name: 'Negative prompt' })
const write = async (field, value) => fireEvent.change(await field, { target: { value } })
const prompt = () => screen.getByRole('textbox', { name: 'Prompt' })
const submit = (user) => user.keyboard('{Control>}{Enter}{/Control}')

beforeEach(() => {
  server.models = { ...server.models, models: [...server.models.models, GUIDED], default: GUIDED.id }
})

describe('GuidanceFields', () => {
  it('appear for a model that uses them, and only for it', async () => {
    const { user } = setUp()
    expect(await guidance()).toHaveValue('4')
    await user.selectOptions(screen.getByRole('combobox', { name: 'Model' }), 'zimage-nano')
    expect(screen.queryByRole('slider', { name: 'Guidance' })).not.toBeInTheDocument()
    expect(screen.queryByRole('textbox', { name: 'Negative prompt' })).not.toBeInTheDocument()
  })

  it('are sent to a model that uses them, and to no other', async () => {
    const { user, onGenerate } = setUp()
    await write(prompt(), 'fox')
    await write(guidance(), '6.5')
    await write(negative(), 'text')
    await submit(user)
    await user.selectOptions(screen.getByRole('combobox', { name: 'Model' }), 'zimage-nano')
    await submit(user)
    const [[[guided]], [[plain]]] = onGenerate.mock.calls
    expect(guided).toMatchObject({ guidance_scale: 6.5, negative_prompt: 'text' })
    expect(Object.keys(plain)).not.toEqual(expect.arrayContaining(['guidance_scale']))
    expect(Object.keys(plain)).not.toEqual(expect.arrayContaining(['negative_prompt']))
  })

  it('are kept across a reload, and reset one by one', async () => {
    const { unmount } = setUp()
    await write(guidance(), '9')
    await write(negative(), 'text')
    unmount()
    const { user } = setUp()
    expect(await guidance()).toHaveValue('9')
    await user.click(screen.getByRole('button', { name: 'Reset: Guidance' }))
    expect(await guidance()).toHaveValue('4')
    expect(await negative()).toHaveValue('text')
    await user.click(screen.getByRole('button', { name: 'Reset: Negative prompt' }))
    expect(await negative()).toHaveValue('')
  })

  it('say that a negative prompt needs guidance', async () => {
    setUp()
    await write(guidance(), '0')
    expect(await guidance()).toHaveAttribute('aria-valuetext', 'Off')
    expect(await negative()).toHaveAccessibleDescription(/no effect/)
  })

  it('are taken over from a picture', async () => {
    const { user } = setUp()
    await guidance()
    await user.click(screen.getByRole('button', { name: 'adopt' }))
    expect(await guidance()).toHaveValue('7')
    expect(await negative()).toHaveValue('blurry')
  })

  it('show a refusal even in the simple form', async () => {
    const fields = [{ field: 'negative_prompt', message: 'Too odd.' }]
    const { user, onGenerate } = setUp()
    onGenerate.mockRejectedValue(Object.assign(new Error(''), { status: 422, code: 'validation_error', fields }))
    await user.click(screen.getByRole('button', { name: 'Simple' }))
    await write(prompt(), 'fox')
    await submit(user)
    expect(await negative()).toHaveAccessibleDescription(/Too odd/)
    expect(await negative()).toHaveFocus()
  })

  it('speak Chinese', async () => {
    setUp({ language: 'zh' })
    expect(await screen.findByRole('slider', { name: '引导系数' })).toBeInTheDocument()
    expect(screen.getByRole('textbox', { name: '负向提示词' })).toBeInTheDocument()
  })
})
