import { act, fireEvent, screen, waitFor } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { renderWith } from '../../test/render.jsx'
import DropZone from './DropZone.jsx'

const file = new File(['png'], 'fox.png', { type: 'image/png' })
const dataTransfer = { types: ['Files'], files: [file] }
const INVITATION = 'Drop a picture to use its settings'

describe('DropZone', () => {
  it('invites while a file hovers', () => {
    renderWith(<DropZone onChange={vi.fn()} />)
    act(() => void fireEvent.dragEnter(window, { dataTransfer }))
    expect(screen.getByText(INVITATION)).toBeInTheDocument()
    act(() => void fireEvent.dragLeave(window, { dataTransfer }))
    expect(screen.queryByText(INVITATION)).not.toBeInTheDocument()
  })

  it('leaves dragged text alone', () => {
    renderWith(<DropZone onChange={vi.fn()} />)
    act(() => void fireEvent.dragEnter(window, { dataTransfer: { types: ['text/plain'], files: [] } }))
    expect(screen.queryByText(INVITATION)).not.toBeInTheDocument()
  })

  it('reads the settings of a dropped picture', async () => {
    const onChange = vi.fn()
    server.overrides['post /history/read'] = ({ body }) => {
      expect(body.get('file').name).toBe('fox.png')
      return { source: 'a1111', parameters: { prompt: 'a fox', seed: 5, width: null, height: null } }
    }
    renderWith(<DropZone onChange={onChange} />)
    act(() => void fireEvent.drop(window, { dataTransfer }))
    await waitFor(() => expect(onChange).toHaveBeenCalledExactlyOnceWith({ prompt: 'a fox', seed: '5', seed_locked: true }))
    expect(screen.getByRole('status')).toHaveTextContent('Settings taken from a picture of A1111.')
  })

  it('offers to add the picture to the gallery, once', async () => {
    server.overrides['post /history/read'] = () => ({ source: 'a1111', parameters: { prompt: 'a fox' } })
    const { user } = renderWith(<DropZone onChange={vi.fn()} />)
    const drop = () => act(() => void fireEvent.drop(window, { dataTransfer }))
    drop()
    await user.click(await screen.findByRole('button', { name: 'Add to the gallery' }))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('Added to the gallery.'))
    expect(server.images.map(({ filename }) => filename)).toEqual(['fox.png'])
    drop()
    await user.click(await screen.findByRole('button', { name: 'Add to the gallery' }))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('It is in the gallery already.'))
    expect(server.images).toHaveLength(1)
  })

  it('says that a file carries nothing', async () => {
    const onChange = vi.fn()
    renderWith(<DropZone onChange={onChange} />)
    act(() => void fireEvent.drop(window, { dataTransfer }))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('This file carries no settings.'))
    expect(onChange).not.toHaveBeenCalled()
  })
})
