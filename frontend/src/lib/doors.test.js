import { describe, expect, it } from 'vitest'

import { addressOf } from './doors.js'

describe('addressOf', () => {
  it.each([
    [{ path: '/v1' }, 'http://localhost:15001/', 'http://localhost:15001/v1'],
    [{ path: '' }, 'http://localhost:15001/?dialog=help', 'http://localhost:15001'],
    [{ path: '/mcp', port: null }, 'https://example.org/zimage/', 'https://example.org/zimage/mcp'],
    [{ path: '', port: 11434 }, 'http://192.168.1.5:15001/', 'http://192.168.1.5:11434'],
    [{ path: '', port: 11434 }, 'https://example.org/zimage/', 'http://example.org:11434'],
  ])('%j seen from %s', (door, page, expected) => expect(addressOf(door, page)).toBe(expected))
})
