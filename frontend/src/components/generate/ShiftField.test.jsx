import { fireEvent, screen, waitFor } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { GUIDED } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import ShiftField from './ShiftField.jsx'

const slider = () => screen.findByRole('slider', { name: 'Shift' })

describe('ShiftField', () => {
  it('shows the own shift of the model until another one is chosen', async () => {
    server.models = { ...server.models, models: [...server.models.models, GUIDED], default: GUIDED.id }
    const onChange = vi.fn()
    const { rerender } = renderWith(<ShiftField value={null} model="z-image" onChange={onChange} />)
    expect(await screen.findByText('the model’s own')).toBeInTheDocument()
    await waitFor(async () => expect(await slider()).toHaveValue('6'))
    expect(await slider()).toHaveAttribute('aria-valuetext', '6 (the model’s own)')
    fireEvent.change(await slider(), { target: { value: '2.5' } })
    expect(onChange).toHaveBeenCalledWith({ shift: 2.5 })
    rerender(<ShiftField value={2.5} model="z-image" onChange={onChange} />)
    expect(await slider()).toHaveAttribute('aria-valuetext', '2.5')
    expect(screen.getByText('This model is made for 6.')).toBeInTheDocument()
  })

  it('goes back to the own shift', async () => {
    const onChange = vi.fn()
    const { user } = renderWith(<ShiftField value={5} model="auto" onChange={onChange} />)
    await slider()
    await user.click(screen.getByRole('button', { name: /default|reset/i }))
    expect(onChange).toHaveBeenCalledWith({ shift: null })
  })
})
