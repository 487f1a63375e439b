import '@testing-library/jest-dom/vitest'

import { cleanup, configure } from '@testing-library/react'
import axios from 'axios'
import { afterEach, beforeEach, expect, vi } from 'vitest'

import { FakeServer } from './fakeServer.js'

// The first dialog of a test file is loaded from the disk, which a busy machine takes its time for.
configure({ asyncUtilTimeout: 12_000 })

// Set before services/api.js makes its client: no test reaches a network.
axios.defaults.adapter = (config) => globalThis.server.adapter(config)

// What jsdom lacks.
window.matchMedia = (query) => ({
  matches: false,
  media: query,
  addEventListener: () => {},
  removeEventListener: () => {},
})
Element.prototype.scrollIntoView = () => {}
window.ResizeObserver = class {
  observe() {}
  disconnect() {}
}

let complaints
beforeEach(() => {
  globalThis.server = new FakeServer()
  window.localStorage.clear()
  window.sessionStorage.clear()
  window.history.replaceState(null, '', '/')
  complaints = ['error', 'warn'].map((level) => vi.spyOn(console, level).mockImplementation(() => {}))
})

afterEach(() => {
  cleanup()
  const said = complaints.flatMap((spy) => spy.mock.calls)
  expect(said, 'the console stays silent').toEqual([])
})
