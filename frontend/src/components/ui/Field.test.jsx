import { screen } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { renderWith } from '../../test/render.jsx'
import Field from './Field.jsx'

describe('Field', () => {
  it('binds label, hint and error to the control', () => {
    renderWith(
      <Field label="Seed" hint="Optional" error="Too large">
        {(control) => <input {...control} />}
      </Field>,
    )
    const input = screen.getByRole('textbox', { name: 'Seed' })
    expect(input).toBeInvalid()
    expect(input).toHaveAccessibleDescription('Too large Optional')
  })

  it('describes nothing where there is nothing to describe', () => {
    renderWith(<Field label="Seed">{(control) => <input {...control} />}</Field>)
    expect(screen.getByRole('textbox')).not.toHaveAttribute('aria-describedby')
    expect(screen.getByRole('textbox')).toBeValid()
  })
})
