import { screen, within } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { useLibrary } from '../../hooks/generate/useLibrary.js'
import { DEFAULT_SETTINGS } from '../../lib/generate/settings.js'
import { renderWith } from '../../test/render.jsx'
import LibraryDialog from './LibraryDialog.jsx'

function Page({ width = 1024, onApply = () => {} }) {
  return <LibraryDialog settings={{ ...DEFAULT_SETTINGS, prompt: 'a fox', width }} library={useLibrary()} onApply={onApply} onClose={() => {}} />
}

const presets = ['one', 'two'].map((name) => ({ name, settings: { ...DEFAULT_SETTINGS, width: 512 } }))

function setUp() {
  window.localStorage.setItem('zimage.library', JSON.stringify({ presets, lists: { colour: ['red', 'blue'] } }))
  return renderWith(<Page width={768} />)
}

const stored = () => JSON.parse(window.localStorage.getItem('zimage.library'))
const undo = () => screen.getByRole('button', { name: 'Undo' })

describe('LibraryDialog', () => {
  it('says that a name is taken, replaces in place, and takes it back', async () => {
    const { user } = setUp()
    await user.type(screen.getAllByPlaceholderText('Name')[0], 'one')
    await user.click(screen.getByRole('button', { name: 'Replace “one”' }))
    expect(stored().presets.map(({ name, settings }) => [name, settings.width])).toEqual([['one', 768], ['two', 512]])
    await user.click(undo())
    expect(stored().presets).toEqual(presets)
  })

  it('brings a deleted preset and a deleted list back', async () => {
    const { user } = setUp()
    await user.click(screen.getByRole('button', { name: 'Delete: two' }))
    expect(within(screen.getByRole('dialog')).queryByText('two')).not.toBeInTheDocument()
    await user.click(undo())
    expect(stored().presets).toEqual(presets)
    await user.click(screen.getByRole('button', { name: 'Delete: colour' }))
    expect(stored().lists).toEqual({})
    await user.click(undo())
    expect(stored().lists).toEqual({ colour: ['red', 'blue'] })
  })

  it('says at which size a preset is drawn, which may not be the one that was asked for', async () => {
    const [turbo, nano] = server.models.models
    server.models = { ...server.models, models: [turbo, { ...nano, sizes: [[256, 256], [384, 256]] }] }
    setUp()
    expect(await screen.findAllByText(/^256 × 256 · /)).toHaveLength(2)
  })

  it('has styles that change the words alone', async () => {
    const onApply = vi.fn()
    const { user } = renderWith(<Page onApply={onApply} />)
    await user.click(screen.getByRole('button', { name: 'Watercolour' }))
    const [[patch, said]] = onApply.mock.calls
    expect(Object.keys(patch)).toEqual(['prompt'])
    expect(patch.prompt).toMatch(/^a fox, watercolour/)
    expect(said).toBe('The prompt has the style “Watercolour”.')
  })

  it('replaces a list of the same name by a button that says so', async () => {
    const { user } = setUp()
    await user.click(screen.getByText('red | blue'))
    await user.type(screen.getByRole('textbox', { name: 'Entries, one a line' }), '\ngreen')
    await user.click(screen.getByRole('button', { name: 'Replace “colour”' }))
    expect(stored().lists).toEqual({ colour: ['red', 'blue', 'green'] })
    await user.click(undo())
    expect(stored().lists).toEqual({ colour: ['red', 'blue'] })
  })
})
