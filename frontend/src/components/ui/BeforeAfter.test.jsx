import { fireEvent, screen } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { renderWith } from '../../test/render.jsx'
import BeforeAfter from './BeforeAfter.jsx'

const PICTURES = { before: { url: 'a.png', alt: 'a fox', label: 'Before' }, after: { url: 'b.png', alt: 'a red fox' }, width: 3, height: 2 }

describe('BeforeAfter', () => {
  it('shows both pictures, and how much of the second in words', () => {
    const { container } = renderWith(<BeforeAfter {...PICTURES} />)
    expect(screen.getByRole('img', { name: 'a fox' })).toBeInTheDocument()
    expect(screen.getByRole('img', { name: 'a red fox' })).toBeInTheDocument()
    expect(screen.getByText('Before')).toBeInTheDocument()
    const line = screen.getByRole('slider')
    fireEvent.change(line, { target: { value: '20' } })
    expect(line).toHaveAttribute('aria-valuetext', expect.stringContaining('80'))
    expect(container.firstChild.style.getPropertyValue('--share')).toBe('20%')
  })

  it('may be called otherwise', () => {
    renderWith(<BeforeAfter {...PICTURES} label="Old and new" />)
    expect(screen.getByRole('slider', { name: 'Old and new' })).toHaveValue('50')
  })
})
