import { fireEvent, screen } from '@testing-library/react'
import { useState } from 'react'
import { expect, it } from 'vitest'

import { renderWith } from '../../test/render.jsx'
import RangeField from './RangeField.jsx'

function Strength({ onReset }) {
  const [value, setValue] = useState(4)
  return (
    <RangeField
      label="Strength"
      text={`${value} of 20`}
      hint="4 is usual"
      value={value}
      min={0}
      max={20}
      step={0.5}
      onChange={setValue}
      onReset={onReset}
    />
  )
}

it('says its number in words, to everyone', () => {
  renderWith(<Strength />)
  const slider = screen.getByRole('slider', { name: 'Strength', description: '4 is usual' })
  fireEvent.change(slider, { target: { value: '6.5' } })
  expect(slider).toHaveValue('6.5')
  expect(slider).toHaveAttribute('aria-valuetext', '6.5 of 20')
  expect(screen.getByText('6.5 of 20')).toBeVisible()
})

it('keeps within its bounds and steps', () => {
  renderWith(<Strength />)
  const slider = screen.getByRole('slider')
  expect(slider).toHaveAttribute('min', '0')
  expect(slider).toHaveAttribute('max', '20')
  expect(slider).toHaveAttribute('step', '0.5')
})
