import { screen } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { makeImage } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import ImageDetails from './ImageDetails.jsx'

describe('ImageDetails', () => {
  it('shows a seed of zero', () => {
    renderWith(<ImageDetails image={makeImage(1, { seed: 0 })} />)
    expect(screen.getByText('Seed').nextSibling).toHaveTextContent('0')
  })

  it('leaves out what an older record lacks', () => {
    renderWith(<ImageDetails image={makeImage(1, { seed: undefined, model: null, device: undefined })} />)
    expect(screen.queryByText('Seed')).not.toBeInTheDocument()
    expect(screen.queryByText('Model')).not.toBeInTheDocument()
    expect(screen.getByText('CPU')).toBeInTheDocument()
  })

  it('shows guidance and negative prompt where there were any', () => {
    const { rerender } = renderWith(<ImageDetails image={makeImage(1, { guidance_scale: 4, negative_prompt: 'text' })} />)
    expect(screen.getByText('Guidance').nextSibling).toHaveTextContent('4')
    expect(screen.getByText('Negative prompt').nextSibling).toHaveTextContent('text')
    rerender(<ImageDetails image={makeImage(1)} />)
    expect(screen.queryByText('Guidance')).not.toBeInTheDocument()
    expect(screen.queryByText('Negative prompt')).not.toBeInTheDocument()
  })

  it('names the protocol that it was asked for by', () => {
    const { rerender } = renderWith(<ImageDetails image={makeImage(1, { door: 'openai' })} />)
    expect(screen.getByText('Asked for by').nextSibling).toHaveTextContent('OpenAI Images')
    rerender(<ImageDetails image={makeImage(1)} />)
    expect(screen.queryByText('Asked for by')).not.toBeInTheDocument()
  })

  it('names the device in the language of the page', () => {
    renderWith(<ImageDetails image={makeImage(1, { device: 'mps' })} />, { language: 'zh' })
    expect(screen.getByText('GPU（Apple）')).toBeInTheDocument()
  })
})
