import { screen, waitFor, within } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { makeImage, makeTask, Refusal } from '../test/fakeServer.js'
import { renderWith } from '../test/render.jsx'
import TaskStatus from './TaskStatus.jsx'

function setUp(tasks, { listed = false, ...options } = {}) {
  const handlers = { onTrack: vi.fn(), onReuse: vi.fn(), onForget: vi.fn() }
  for (const task of tasks) server.addTask(task)
  const entries = tasks.map((task) => ({ id: task.task_id, listed: listed ? task : undefined }))
  return { ...handlers, ...renderWith(<TaskStatus tasks={entries} {...handlers} />, options) }
}

describe('TaskStatus', () => {
  it('takes no room while there is nothing to say', () => {
    renderWith(<TaskStatus tasks={[]} />)
    expect(screen.queryByRole('region', { name: /tasks/i })).not.toBeInTheDocument()
  })

  it('shows percent and step of a running task', async () => {
    setUp([makeTask('a', { progress: 44.4, current_step: 4 })])
    expect(await screen.findByText('Step 4 of 9')).toBeInTheDocument()
    expect(screen.getByText('44 %')).toBeInTheDocument()
    expect(screen.getByRole('progressbar', { name: 'Progress' })).toHaveAttribute('value', '44.4')
    expect(screen.getByText('prompt of a')).toBeInTheDocument()
  })

  it('follows a task to its end and announces it', async () => {
    setUp([makeTask('a', { progress: 44.4, current_step: 4 })])
    await screen.findByText('Step 4 of 9')
    server.addTask(makeTask('a', { status: 'completed', progress: 100, result: makeImage(1) }))
    expect(await screen.findByText(/Finished in 1.23 s/, {}, { timeout: 4000 })).toBeInTheDocument()
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('Done: prompt of a'))
  })

  it('says what the server changed', async () => {
    server.system = { ...server.system, gpu: { available: true } }
    const result = makeImage(1, { width: 480, height: 480 })
    setUp([makeTask('a', { status: 'completed', progress: 100, result })])
    expect(await screen.findByText(/Drawn on the CPU.*Real size: 480 × 480/)).toBeInTheDocument()
  })

  it('does not say on every task of a machine without a GPU that it has none', async () => {
    const task = makeTask('a', { status: 'completed', progress: 100, result: makeImage(1) })
    setUp([{ ...task, request: { ...task.request, width: undefined, height: undefined } }])
    expect(await screen.findByText('Finished in 1.23 s.')).toBeInTheDocument()
  })

  it('does not call waiting what it has not heard of', async () => {
    server.down = true
    renderWith(<TaskStatus tasks={[{ id: 'a' }]} />)
    expect(screen.getByText('Not known yet')).toBeInTheDocument()
    expect(screen.queryByText('Waiting')).not.toBeInTheDocument()
  })

  describe('passes the focus of a button that goes', () => {
    const waiting = (n) => makeTask(`t${n}`, { status: 'pending', queue_position: n })
    const press = async (user, name) => {
      screen.getByRole('button', { name }).focus()
      await user.keyboard('{Enter}')
    }

    it('to the next task, to the one before, and to the heading', async () => {
      const { user } = setUp([waiting(0), waiting(1), waiting(2)], { listed: true })
      await press(user, 'Cancel: prompt of t1')
      expect(screen.getByRole('button', { name: 'Cancel: prompt of t2' })).toHaveFocus()
      await user.keyboard('{Enter}')
      expect(screen.getByRole('button', { name: 'Cancel: prompt of t0' })).toHaveFocus()
      await waitFor(() => expect(server.tasks.get('t2').status).toBe('cancelled'))
      await user.keyboard('{Enter}')
      expect(screen.getByRole('heading', { name: /tasks/ })).toHaveFocus()
    })

    it('of many at once', async () => {
      const { user } = setUp([waiting(0), waiting(1)], { listed: true })
      await press(user, 'Cancel all waiting (2)')
      expect(screen.getByRole('heading', { name: /tasks/ })).toHaveFocus()
    })

    it('to no button that runs another one again', async () => {
      const { user } = setUp(['a', 'b'].map((id) => makeTask(id, { status: 'failed' })))
      await waitFor(() => expect(screen.getAllByRole('button', { name: 'Run again' })).toHaveLength(2))
      screen.getAllByRole('button', { name: 'Run again' })[0].focus()
      await user.keyboard('{Enter}')
      expect(screen.getByRole('heading', { name: 'Last tasks' })).toHaveFocus()
    })
  })

  it('shows the places in the queue', async () => {
    setUp([
      makeTask('a', { status: 'pending', queue_position: 0 }),
      makeTask('b', { status: 'pending', queue_position: 2 }),
    ])
    expect(await screen.findByText('Next in the queue')).toBeInTheDocument()
    expect(await screen.findByText('2 tasks ahead')).toBeInTheDocument()
  })

  it('asks for a long queue in one go', async () => {
    const waiting = (n) => makeTask(`t${n}`, { status: 'pending', queue_position: n })
    setUp(
      Array.from({ length: 9 }, (_, n) => waiting(n)),
      { listed: true },
    )
    expect(screen.getByRole('heading', { name: '9 tasks in the queue' })).toBeInTheDocument()
    expect(screen.getByText('8 tasks ahead')).toBeInTheDocument()
    const asked = () => new Set(server.requests.map(({ path }) => path).filter((path) => path.startsWith('/generate')))
    await waitFor(() => expect([...asked()]).toEqual(['/generate/t0']))
  })

  it('gives a waiting task another place', async () => {
    const waiting = (n) => makeTask(`t${n}`, { status: 'pending', queue_position: n })
    const { user } = setUp([waiting(0), waiting(1), waiting(2)], { listed: true })
    expect(screen.getByRole('button', { name: 'Earlier: prompt of t0' })).toBeDisabled()
    expect(screen.getByRole('button', { name: 'Later: prompt of t2' })).toBeDisabled()
    await user.click(screen.getByRole('button', { name: 'Earlier: prompt of t2' }))
    await user.click(screen.getByRole('button', { name: 'Earlier: prompt of t2' })) // before the first is answered
    await user.click(screen.getByRole('button', { name: 'Later: prompt of t1' }))
    await user.click(screen.getByRole('button', { name: 'To the front: prompt of t2' }))
    await waitFor(() => expect(server.bodiesOf('post', '/generate/t2/move')).toEqual([{ by: -1 }, { by: -1 }, { position: 0 }]))
    expect(server.bodiesOf('post', '/generate/t1/move')).toEqual([{ by: 1 }])
  })

  it.each(['pending', 'cancelled', 'failed', 'completed'])('gives the settings of a %s task to the form', async (status) => {
    const { user, onReuse } = setUp([makeTask('a', { status })])
    await user.click(await screen.findByRole('button', { name: 'Take its settings: prompt of a' }))
    expect(onReuse).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ prompt: 'prompt of a', num_inference_steps: 9 }))
  })

  it('opens the picture of a finished task', async () => {
    const { user } = setUp([makeTask('a', { status: 'completed', result: makeImage(7) }), makeTask('b', { status: 'failed' })])
    await user.click(await screen.findByRole('button', { name: 'View the picture: prompt of a' }))
    expect(window.location.search).toBe(`?picture=${makeImage(7).id}`)
    expect(screen.queryByRole('button', { name: 'View the picture: prompt of b' })).not.toBeInTheDocument()
  })

  it('says which of several pictures it draws, and how long that takes', async () => {
    setUp([makeTask('a', { num_images: 4, images: [makeImage(1)], current_step: 12, total_steps: 36, step: 3, steps: 9, eta_seconds: 41.6 })])
    expect(await screen.findByText('Picture 2 of 4 · Step 3 of 9 · about 42 s left')).toBeInTheDocument()
  })

  it('says how many pictures are drawn at once, and where', async () => {
    server.system = { ...server.system, workers: [{ id: 'x' }, { id: 'y' }] }
    setUp([makeTask('a', { num_images: 4, images: [makeImage(1)], step: 12, steps: 9, worker: 'x', workers: ['x', 'y'] })])
    expect(await screen.findByText('1 of 4 pictures, 2 at once · on x, y')).toBeInTheDocument()
  })

  it('says what a cancelled task had finished', async () => {
    setUp([makeTask('a', { status: 'cancelled', num_images: 4, images: [makeImage(1), makeImage(2)] })])
    expect(await screen.findByText('Stopped. 2 finished pictures are kept.')).toBeInTheDocument()
  })

  it('adds up the time of several pictures', async () => {
    const images = [makeImage(1), makeImage(2, { created_at: '2026-03-01T12:00:09Z' })]
    setUp([makeTask('a', { status: 'completed', num_images: 2, images, result: images[1] })])
    expect(await screen.findByText(/2 pictures in 2.47 s/)).toBeInTheDocument()
  })

  it('stops the running task by Esc', async () => {
    const { user } = setUp([makeTask('a'), makeTask('b', { status: 'pending', queue_position: 1 })], { listed: true })
    await user.keyboard('{Escape}')
    await waitFor(() => expect(server.tasks.get('a').cancelling).toBe(true))
    expect(server.tasks.get('b').status).toBe('pending')
  })

  it('offers to run again what Esc has stopped, as soon as it has ended', async () => {
    const { user, onTrack, onForget } = setUp([makeTask('a')], { listed: true })
    const now = performance.now()
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now + 5000) // long after the Esc of another test
    let refusals = 1
    server.overrides['post /generate/a/retry'] = () => {
      if (refusals-- > 0) throw new Refusal(409, 'conflict')
      return { task_id: 'anew' }
    }
    await user.keyboard('{Escape}')
    clock.mockRestore()
    expect(await screen.findByText('Cancelled.', { ignore: '[role=status]' })).toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: 'Run again' }))
    await waitFor(() => expect(onTrack).toHaveBeenCalledExactlyOnceWith(['anew']), { timeout: 3000 })
    expect(onForget).toHaveBeenCalledExactlyOnceWith('a')
  })

  it('cancels all that waits in one go, and runs it again when that is undone', async () => {
    const waiting = (n) => makeTask(`t${n}`, { status: 'pending', queue_position: n })
    const { user, onTrack, onForget } = setUp([makeTask('a'), waiting(0), waiting(1), waiting(2)], { listed: true })
    await user.click(screen.getByRole('button', { name: 'Cancel all waiting (3)' }))
    expect(await screen.findByText('3 waiting tasks cancelled.', { ignore: '[role=status]' })).toBeInTheDocument()
    const sent = (method) => server.requests.filter((request) => request.method === method)
    expect(sent('delete')).toMatchObject([{ path: '/generate', params: { waiting: true } }])
    expect(server.tasks.get('a').cancelling).toBe(false)
    expect(screen.getAllByText('Cancelled')).toHaveLength(3)
    await user.click(screen.getByRole('button', { name: 'Undo' }))
    await waitFor(() => expect(sent('post').map(({ path }) => path)).toEqual(['/generate/t0/retry', '/generate/t1/retry', '/generate/t2/retry']))
    await waitFor(() => expect(onTrack.mock.calls).toEqual([[['task-5']], [['task-6']], [['task-7']]]))
    expect(onForget.mock.calls).toEqual([['t0'], ['t1'], ['t2']])
  })

  it('says when none of the waiting ones was there any more to be cancelled', async () => {
    const waiting = (n) => makeTask(`t${n}`, { status: 'pending', queue_position: n })
    const { user } = setUp([waiting(0), waiting(1)], { listed: true })
    server.overrides['delete /generate'] = () => ({ tasks: [] })
    await user.click(screen.getByRole('button', { name: 'Cancel all waiting (2)' }))
    expect(await screen.findByText('None of your tasks waits any more.', { ignore: '[role=status]' })).toBeInTheDocument()
    expect(screen.queryByRole('button', { name: 'Undo' })).not.toBeInTheDocument()
  })

  it('clears all that ended', async () => {
    const { user, onForget } = setUp(['a', 'b'].map((id) => makeTask(id, { status: 'cancelled' })))
    await user.click(screen.getByRole('button', { name: 'Dismiss the ended ones' }))
    expect(onForget.mock.calls).toEqual([['a'], ['b']])
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
    const { user, onTrack, onForget } = setUp([makeTask('a', { status, ...patch })])
    expect(await screen.findByText(text)).toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: 'Run again' }))
    await waitFor(() => expect(onTrack).toHaveBeenCalledExactlyOnceWith(['task-2']))
    expect(onForget).toHaveBeenCalledExactlyOnceWith('a')
  })

  it('offers the rest of a task that kept some pictures', async () => {
    const images = [makeImage(1)]
    const { user, onTrack } = setUp([makeTask('a', { status: 'cancelled', num_images: 3, images })])
    await user.click(await screen.findByRole('button', { name: 'Draw the rest' }))
    await waitFor(() => expect(onTrack).toHaveBeenCalledExactlyOnceWith(['task-2']))
  })

  it('says why a task cannot be run again', async () => {
    const { user, onForget } = setUp([makeTask('a', { status: 'failed', error: 'Out of memory.' })])
    server.overrides['post /generate/a/retry'] = () => {
      throw new Refusal(429, 'queue_full', 'The queue holds 32 tasks already.')
    }
    await user.click(await screen.findByRole('button', { name: 'Run again' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('The queue holds 32 tasks already.')
    expect(onForget).not.toHaveBeenCalled()
    await user.click(screen.getByRole('button', { name: 'Dismiss: prompt of a' }))
    expect(onForget).toHaveBeenCalledWith('a')
  })

  it('says when the server has forgotten a task', async () => {
    renderWith(<TaskStatus tasks={[{ id: 'gone' }]} />)
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
