import { screen } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { useSettings } from '../hooks/useSettings.js'
import { Refusal } from '../test/fakeServer.js'
import { renderWith } from '../test/render.jsx'
import GenerateForm from './GenerateForm.jsx'

function Harness({ onGenerate }) {
  const { settings, change, reset } = useSettings()
  return (
    <GenerateForm settings={settings} isPending={false} onChange={change} onReset={reset} onGenerate={onGenerate} />
  )
}

function setUp({ onGenerate = vi.fn(), ...options } = {}) {
  return { onGenerate, ...renderWith(<Harness onGenerate={onGenerate} />, options) }
}

const prompt = () => screen.getByRole('textbox', { name: 'Prompt' })
const submit = () => screen.getByRole('button', { name: /Generate/ })

describe('GenerateForm', () => {
  it('asks for a picture with the defaults of the API', async () => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), '一只红色的狐狸')
    await user.click(submit())
    expect(onGenerate).toHaveBeenCalledExactlyOnceWith({
      prompt: '一只红色的狐狸',
      width: 1024,
      height: 1024,
      num_inference_steps: 9,
      use_gpu: true,
      seed: null,
      model: 'auto',
    })
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
    await user.click(screen.getByRole('button', { name: 'two cats side by side' }))
    expect(prompt()).toHaveValue('two cats side by side')
  })

  it('takes a shape, keeping the area, and one of its sizes', async () => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), 'fox')
    await user.click(screen.getByRole('radio', { name: '3:2' }))
    expect(screen.getByRole('combobox', { name: 'Size' })).toHaveDisplayValue('1152 × 768')
    await user.selectOptions(screen.getByRole('combobox', { name: 'Size' }), '1536x1024')
    await user.click(submit())
    expect(onGenerate.mock.calls[0][0]).toMatchObject({ width: 1536, height: 1024 })
  })

  it('takes any size, and names the rule for a wrong one', async () => {
    const { user, onGenerate } = setUp()
    await user.type(prompt(), 'fox')
    await user.click(screen.getByRole('radio', { name: 'Custom' }))
    const width = screen.getByRole('spinbutton', { name: 'Width' })
    await user.clear(width)
    await user.type(width, '500')
    await user.click(submit())
    expect(width).toHaveFocus()
    expect(width).toHaveAccessibleDescription(/divisible by 16/)
    await user.clear(width)
    await user.type(width, '640')
    await user.click(screen.getByRole('button', { name: 'Swap width and height' }))
    await user.click(submit())
    expect(onGenerate).toHaveBeenCalledOnce()
    expect(onGenerate.mock.calls[0][0]).toMatchObject({ width: 1024, height: 640 })
  })

  it('says how many forwards the steps are', () => {
    setUp()
    expect(screen.getByText('9 steps = 8 forwards')).toBeInTheDocument()
    expect(screen.getByRole('slider', { name: 'Steps' })).toHaveAttribute('max', '50')
  })

  it('draws and clears a seed', async () => {
    const { user } = setUp()
    const seed = screen.getByRole('textbox', { name: 'Seed' })
    await user.click(screen.getByRole('button', { name: 'Draw a seed' }))
    expect(seed.value).toMatch(/^\d+$/)
    await user.click(screen.getByRole('button', { name: 'Clear the seed' }))
    expect(seed).toHaveValue('')
  })

  it('says that there is no GPU, and what the size becomes', async () => {
    setUp()
    expect(await screen.findByText(/no GPU: pictures are drawn on the CPU/)).toBeInTheDocument()
    expect(await screen.findByText('Will be drawn at 512 × 512 here.')).toBeInTheDocument()
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
    expect(screen.getByText('9 步 = 8 次前向')).toBeInTheDocument()
  })
})
