import { screen, waitFor, within } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { makeImage, makeTask, Refusal } from '../test/fakeServer.js'
import { renderWith } from '../test/render.jsx'
import TaskStatus from './TaskStatus.jsx'

function setUp(tasks, { listed = false, ...options } = {}) {
  const handlers = { onCompleted: vi.fn(), onRetry: vi.fn(), onForget: vi.fn() }
  for (const task of tasks) server.addTask(task)
  const entries = tasks.map((task) => ({ id: task.task_id, listed: listed ? task : undefined }))
  return { ...handlers, ...renderWith(<TaskStatus tasks={entries} {...handlers} />, options) }
}

describe('TaskStatus', () => {
  it('takes no room while there is nothing to say', () => {
    renderWith(<TaskStatus tasks={[]} />)
    expect(screen.queryByRole('region')).not.toBeInTheDocument()
  })

  it('shows percent and step of a running task', async () => {
    setUp([makeTask('a', { progress: 44.4, current_step: 4 })])
    expect(await screen.findByText('Step 4 of 9')).toBeInTheDocument()
    expect(screen.getByText('44 %')).toBeInTheDocument()
    expect(screen.getByRole('progressbar', { name: 'Progress' })).toHaveAttribute('value', '44.4')
    expect(screen.getByText('prompt of a')).toBeInTheDocument()
  })

  it('follows a task to its end and announces it', async () => {
    const { onCompleted } = setUp([makeTask('a', { progress: 44.4, current_step: 4 })])
    await screen.findByText('Step 4 of 9')
    server.addTask(makeTask('a', { status: 'completed', progress: 100, result: makeImage(1) }))
    expect(await screen.findByText(/Finished in 1.23 s/, {}, { timeout: 4000 })).toBeInTheDocument()
    expect(screen.getByRole('status')).toHaveTextContent('Done: prompt of a')
    expect(onCompleted).toHaveBeenCalledWith('a')
  })

  it('says what the server changed', async () => {
    const result = makeImage(1, { width: 480, height: 480 })
    setUp([makeTask('a', { status: 'completed', progress: 100, result })])
    expect(await screen.findByText(/Drawn on the CPU.*Real size: 480 × 480/)).toBeInTheDocument()
  })

  it('shows the places in the queue', async () => {
    setUp([
      makeTask('a', { status: 'pending', queue_position: 0 }),
      makeTask('b', { status: 'pending', queue_position: 2 }),
    ])
    expect(await screen.findByText('Next in the queue')).toBeInTheDocument()
    expect(await screen.findByText('2 tasks ahead')).toBeInTheDocument()
  })

  it('folds a long queue and asks for it in one go', async () => {
    const waiting = (n) => makeTask(`t${n}`, { status: 'pending', queue_position: n })
    const { user } = setUp(
      Array.from({ length: 9 }, (_, n) => waiting(n)),
      { listed: true },
    )
    expect(screen.getAllByRole('listitem')).toHaveLength(4)
    await user.click(screen.getByRole('button', { name: 'Show 5 more' }))
    expect(screen.getByText('8 tasks ahead')).toBeInTheDocument()
    await waitFor(() => expect(server.requests.map(({ path }) => path)).toEqual(['/generate/t0']))
  })

  it('answers a cancel at once', async () => {
    const { user } = setUp([makeTask('a')])
    await user.click(await screen.findByRole('button', { name: 'Cancel: prompt of a' }))
    expect(await screen.findAllByText('Cancelling…')).not.toHaveLength(0)
    expect(screen.getByRole('button', { name: 'Cancel: prompt of a' })).toBeDisabled()
    server.addTask(makeTask('a', { status: 'cancelled' }))
    expect(await screen.findByText('Stopped. Nothing was saved.', {}, { timeout: 4000 })).toBeInTheDocument()
  })

  it('says when a cancel fails', async () => {
    const { user } = setUp([makeTask('a')])
    await screen.findByText('Getting ready…')
    server.overrides['delete /generate/a'] = () => {
      throw new Refusal(500, 'internal_error', 'The server failed.')
    }
    await user.click(screen.getByRole('button', { name: 'Cancel: prompt of a' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('It could not be cancelled: The server failed.')
  })

  it.each([
    ['failed', { error: 'Out of memory.' }, 'Out of memory.'],
    ['interrupted', {}, 'The server stopped while it worked on this.'],
    ['cancelled', {}, 'Stopped. Nothing was saved.'],
  ])('offers a %s task again', async (status, patch, text) => {
    const task = makeTask('a', { status, ...patch })
    const { user, onRetry, onForget } = setUp([task])
    expect(await screen.findByText(text)).toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: 'Run again' }))
    expect(onRetry).toHaveBeenCalledWith('a', task.request)
    await user.click(screen.getByRole('button', { name: 'Dismiss: prompt of a' }))
    expect(onForget).toHaveBeenCalledWith('a')
  })

  it('says when the server has forgotten a task', async () => {
    renderWith(<TaskStatus tasks={[{ id: 'gone' }]} onCompleted={vi.fn()} />)
    expect(await screen.findByText('The server does not know this task any more.')).toBeInTheDocument()
  })

  it('keeps what it knows while the server is away, and goes on by itself', async () => {
    setUp([makeTask('a', { current_step: 2, progress: 22 })], { listed: true })
    await screen.findByText('Step 2 of 9')
    server.down = true
    expect(await screen.findByText(/still trying/, {}, { timeout: 4000 })).toBeInTheDocument()
    expect(screen.getByText('Step 2 of 9')).toBeInTheDocument()
    server.down = false
    server.addTask(makeTask('a', { status: 'interrupted' }))
    await waitFor(() => expect(within(screen.getByRole('listitem')).getByText('Interrupted')).toBeInTheDocument(), {
      timeout: 4000,
    })
  })
})
