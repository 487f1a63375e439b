import { screen, within } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { renderWith } from '../../test/render.jsx'
import HelpDialog from './HelpDialog.jsx'

const DOORS = [
  { name: 'openai', path: '/v1', port: null },
  { name: 'ollama', path: '', port: 11434 },
]

describe('ConnectPrograms', () => {
  it('copies the address of a door', async () => {
    server.overrides['get /capabilities'] = () => ({ doors: DOORS })
    const { user } = renderWith(<HelpDialog onClose={() => {}} />)
    const section = await screen.findByRole('region', { name: 'Connect other programs' })

    await user.click(within(section).getByRole('button', { name: 'Copy the address for OpenAI Images' }))

    expect(await navigator.clipboard.readText()).toBe(`${window.location.origin}/v1`)
    expect(await screen.findByText('The address is copied.')).toBeInTheDocument()
    expect(within(section).getByText('http://localhost:11434')).toBeInTheDocument()
    expect(within(section).getAllByRole('button')).toHaveLength(2)
    expect(within(section).getByRole('link')).toHaveAttribute('href', '/docs')
  })

  it('is not there when no door is open', async () => {
    server.overrides['get /capabilities'] = () => ({ doors: [] })
    renderWith(<HelpDialog onClose={() => {}} />)
    await screen.findByText('Prompts and pictures')
    expect(screen.queryByText('Connect other programs')).not.toBeInTheDocument()
  })
})
