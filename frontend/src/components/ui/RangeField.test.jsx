import { fireEvent, screen } from '@testing-library/react'
import { useState } from 'react'
import { expect, it } from 'vitest'

import { renderWith } from '../../test/render.jsx'
import RangeField from './RangeField.jsx'

function Strength({ onReset, digits }) {
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
      digits={digits}
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

it.each([
  ['6.26', '6.3'],
  ['６。５', '6.5'],
  ['99', '20'],
  ['-3', '0'],
  ['many', '4'],
])('takes %s by hand for %s', async (typed, expected) => {
  const { user } = renderWith(<Strength digits={{ step: 0.1 }} />)
  const digits = screen.getByRole('spinbutton', { name: 'Strength' })
  await user.clear(digits)
  await user.type(digits, typed)
  expect(digits).toHaveValue(typed.replace('６。５', '6.5'))
  await user.tab()
  expect(digits).toHaveValue(expected)
  expect(screen.getByRole('slider')).toHaveAttribute('aria-valuetext', `${expected} of 20`)
})

it('shows and takes numbers that are larger than the value', async () => {
  const { user } = renderWith(<Strength digits={{ step: 0.01, scale: 100, unit: '%' }} />)
  const digits = screen.getByRole('spinbutton', { name: 'Strength' })
  expect(digits).toHaveValue('400')
  await user.clear(digits)
  await user.type(digits, '433{Enter}')
  expect(screen.getByRole('slider')).toHaveAttribute('aria-valuetext', '4.33 of 20')
  expect(screen.getByText('%')).toBeVisible()
})
