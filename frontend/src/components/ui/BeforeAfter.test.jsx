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

  it('lays what has grown around what it was', () => {
    renderWith(<BeforeAfter {...PICTURES} before={{ ...PICTURES.before, growth: { left: 1, top: 0.5 } }} />)
    expect(screen.getByRole('img', { name: 'a fox' }).parentElement.style.inset).toMatch(/^25% 0% 0% 33\.3/)
    expect(screen.getByRole('img', { name: 'a red fox' }).parentElement.style.inset).toBe('')
  })

  it('moves both at once where one looks closer, and leaves the line where it is', () => {
    const { container } = renderWith(<BeforeAfter {...PICTURES} zoom={{ zoomed: true, style: { transform: 'scale(3)' } }} />)
    const moved = [...container.querySelectorAll('img')].map((image) => image.parentElement.parentElement.style.transform)
    expect(moved).toEqual(['scale(3)', 'scale(3)'])
    expect(container.firstChild.style.getPropertyValue('--share')).toBe('50%')
  })

  it('may be called otherwise', () => {
    renderWith(<BeforeAfter {...PICTURES} label="Old and new" />)
    expect(screen.getByRole('slider', { name: 'Old and new' })).toHaveValue('50')
  })
})
