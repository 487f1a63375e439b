import { screen } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { DEFAULT_SETTINGS } from '../../lib/generate/settings.js'
import FormActions from '../../components/generate/FormActions.jsx'
import HelpDialog from '../../components/page/HelpDialog.jsx'
import { renderWith } from '../../test/render.jsx'

function Places() {
  return (
    <>
      <FormActions settings={DEFAULT_SETTINGS} tasks={1} />
      <HelpDialog />
    </>
  )
}

describe('shortcuts', () => {
  it.each([
    ['are shown where there are keys', false],
    ['are not shown where there are fingers', true],
  ])('%s', (_where, touch) => {
    vi.spyOn(window, 'matchMedia').mockImplementation((media) => ({
      matches: touch && media.includes('coarse'),
      addEventListener: () => {},
      removeEventListener: () => {},
    }))
    renderWith(<Places />)
    expect(document.querySelectorAll('kbd').length > 0).toBe(!touch)
    expect(screen.getByText('Prompts and pictures')).toBeInTheDocument()
  })
})
