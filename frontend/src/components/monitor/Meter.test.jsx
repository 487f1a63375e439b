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

  it('draws what is known of the past, newest on the right, with a gap where nothing is', () => {
    renderWith(<Meter label="CPU" percent={80} history={[20, 40, null, 80]} />)
    const past = screen.getByRole('img', { name: /20 .* 80/ })
    const lines = [...past.querySelectorAll('.sparkline-line')].map((path) => path.getAttribute('d'))
    expect(lines).toEqual(['M56 80L57 60', 'M59 20'])
  })
})
