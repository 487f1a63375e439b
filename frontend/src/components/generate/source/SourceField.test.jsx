import { fireEvent, screen } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { newEdit, NO_GROWTH } from '../../../lib/generate/edit.js'
import { renderWith } from '../../../test/render.jsx'
import SourceField from './SourceField.jsx'

const IMAGE = 'a'.repeat(64)
const MASK = 'b'.repeat(64)

function show(change, { errors = {} } = {}) {
  const props = { onChoose: vi.fn(), onChange: vi.fn() }
  const edit = change && { ...newEdit(IMAGE), ...change }
  return { ...props, ...renderWith(<SourceField edit={edit} errors={errors} {...props} />) }
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

  it.each([
    ['with a picture', {}],
    ['without one', null],
  ])('says what the server refuses, %s', (_what, change) => {
    show(change, { errors: { init_image: 'There is no input with this id.' } })
    expect(screen.getByText('There is no input with this id.')).toBeInTheDocument()
  })
})
