import { screen } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { renderWith } from '../test/render.jsx'
import SystemMonitor from './SystemMonitor.jsx'

const GPU = {
  available: true,
  name: 'RTX 4070',
  memory_total_gb: 12,
  memory_used_gb: 6,
  usage_percent: 83.2,
  temperature: 64.4,
}

describe('SystemMonitor', () => {
  it('shows processor, memory and disk', async () => {
    renderWith(<SystemMonitor />)
    expect(await screen.findByRole('meter', { name: 'CPU' })).toHaveAttribute('value', '12.4')
    expect(screen.getByText('8 cores · 3.2 GHz')).toBeInTheDocument()
    expect(screen.getByText('8.0 of 16.0 GB')).toBeInTheDocument()
    expect(screen.getByText('250 GB free')).toBeInTheDocument()
  })

  it.each([null, { available: false, name: null }])('hides a GPU that is not there: %j', async (gpu) => {
    server.system = { ...server.system, gpu }
    renderWith(<SystemMonitor />)
    await screen.findByRole('meter', { name: 'CPU' })
    expect(screen.queryByText('GPU')).not.toBeInTheDocument()
  })

  it('shows a GPU with its memory and temperature', async () => {
    server.system = { ...server.system, gpu: GPU }
    renderWith(<SystemMonitor />)
    expect(await screen.findByText('RTX 4070 · 64 °C')).toBeInTheDocument()
    expect(screen.getByRole('meter', { name: 'GPU memory' })).toHaveAttribute('value', '50')
  })

  it('shows a GPU that tells nothing', async () => {
    const silent = { ...GPU, memory_total_gb: null, memory_used_gb: null, usage_percent: null, temperature: null }
    server.system = { ...server.system, gpu: silent }
    renderWith(<SystemMonitor />)
    expect(await screen.findByText('–')).toBeInTheDocument()
  })

  it('remembers the last minutes, and says them to those who cannot see', async () => {
    renderWith(<SystemMonitor />)
    expect(await screen.findByRole('img', { name: 'CPU: 12 to 12 % in the last minutes' })).toBeInTheDocument()
    expect(screen.queryByRole('img', { name: /^GPU/ })).not.toBeInTheDocument()
  })

  it('warns of a full disk', async () => {
    server.system = { ...server.system, disk: { ...server.system.disk, free_gb: 1.2 } }
    renderWith(<SystemMonitor />)
    expect(await screen.findByText(/Only 1.2 GB are free/)).toBeInTheDocument()
  })

  it.each([
    ['device_given_up', /taken out/],
    ['no_workers', /no worker/i],
    ['one_of_a_newer_server', /Something else/],
  ])('says what is wrong with who draws: %s', async (code, text) => {
    server.system = { ...server.system, fault: { code, message: 'Something else.', partial: true } }
    renderWith(<SystemMonitor />)
    expect(await screen.findByText(text)).toBeInTheDocument()
  })

  it('says when it knows nothing, and tries again on demand', async () => {
    server.down = true
    const { user } = renderWith(<SystemMonitor />)
    expect(await screen.findByText(/Is it running/)).toBeInTheDocument()
    server.down = false
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    expect(await screen.findByRole('meter', { name: 'Disk' })).toBeInTheDocument()
  })
})
