import { screen } from '@testing-library/react'
import { expect, it, vi } from 'vitest'

import { renderWith } from '../../test/render.jsx'
import TagInput from './TagInput.jsx'

it.each([
  ['fox', ['fox']],
  ['动物, second，红、 red fox ,', ['动物', 'second', '红', 'red fox']],
  ['fox,fox', ['fox']],
  [' ,，', []],
])('takes "%s" for the tags %j', async (text, tags) => {
  const onTag = vi.fn()
  const { user } = renderWith(<TagInput onTag={onTag} />)
  await user.type(screen.getByRole('combobox', { name: 'Add a tag' }), `${text}{Enter}`)
  expect(onTag.mock.calls).toEqual(tags.map((tag) => [tag]))
  expect(screen.getByRole('combobox')).toHaveValue('')
})
