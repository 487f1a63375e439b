import { screen } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { makeTask } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import TaskProgress from './TaskProgress.jsx'

describe('TaskProgress', () => {
  it.each([
    [{ status: 'pending', queue_position: 0 }, 'Next in the queue'],
    [{ status: 'pending', queue_position: 1 }, '1 task ahead'],
    [{ status: 'pending', queue_position: null }, 'Next in the queue'],
    [{ message: 'Starting' }, 'Getting ready…'],
    [{ message: 'Loading Z-Image-Turbo' }, 'Loading the model…'],
    [{ current_step: 8, progress: 88.9 }, 'Step 8 of 9'],
  ])('of %j says “%s”', (patch, text) => {
    renderWith(<TaskProgress task={makeTask('a', patch)} />)
    expect(screen.getByText(text)).toBeInTheDocument()
    expect(screen.getByRole('progressbar')).toHaveAttribute('aria-valuetext', expect.stringContaining(text))
  })
})
