import { screen } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { renderWith } from '../../test/render.jsx'
import Meter from './Meter.jsx'

describe('Meter', () => {
  it('shows a percentage with its label', () => {
    renderWith(<Meter label="CPU" percent={42.4} detail="8 cores" />)
    expect(screen.getByRole('meter', { name: 'CPU' })).toHaveAttribute('value', '42.4')
    expect(screen.getByText('42 %')).toBeInTheDocument()
  })

  it.each([null, undefined])('does not make a number of %s', (percent) => {
    renderWith(<Meter label="GPU" percent={percent} />)
    expect(screen.getByText('–')).toBeInTheDocument()
  })
})
