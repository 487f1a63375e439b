import { screen } from '@testing-library/react'
import { expect, it, vi } from 'vitest'

import { AbilitiesContext } from '../../hooks/server/useAbilities.js'
import { makeImage } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import ImageActions from './ImageActions.jsx'

it.each([
  ['picture', { draws: true, refers: false }, 'Edit', 'Use as a reference'],
  ['reference', { draws: false, refers: true }, 'Use as a reference', 'Edit'],
])('gives the picture to the form as its model draws from it: as a %s', async (part, abilities, name, other) => {
  const [image, onReuse] = [makeImage(1), vi.fn()]
  const { user } = renderWith(
    <AbilitiesContext value={abilities}>
      <ImageActions image={image} actions={{}} onReuse={onReuse} />
    </AbilitiesContext>,
  )
  expect(screen.queryByRole('button', { name: other })).not.toBeInTheDocument()
  await user.click(screen.getByRole('button', { name }))
  expect(onReuse).toHaveBeenCalledExactlyOnceWith(image, part)
})
