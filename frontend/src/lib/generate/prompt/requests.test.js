import { describe, expect, it } from 'vitest'

import { expandPrompt } from '../expand.js'
import { DEFAULT_SETTINGS, SEED_MAX } from '../settings.js'
import { plannedOf, requestsOf } from './requests.js'

const NANO = { id: 'zimage-nano', guidance: false }
const LISTS = { many: Array.from({ length: 200 }, (_, number) => `thing ${number}`) }

function ask(settings, random) {
  const all = { ...DEFAULT_SETTINGS, ...settings }
  const prompts = expandPrompt(all.prompt, LISTS)
  return { sent: requestsOf(all, NANO, prompts, LISTS, random), planned: plannedOf(all, prompts) }
}

/** A function like Math.random that answers one number after the other. */
const row = (...numbers) => () => numbers.shift()

describe('requestsOf', () => {
  it('is one request for each prompt', () => {
    const { sent, planned } = ask({ prompt: 'a {red|blue} fox', num_images: 3, seed: '5' })
    expect(sent.map(({ prompt, num_images: count, seed }) => [prompt, count, seed])).toEqual([['a red fox', 3, 5], ['a blue fox', 3, 5]])
    expect(planned).toEqual({ tasks: 2, pictures: 6 })
  })

  it('is one request for each picture where choices are drawn, with the seeds that these pictures have', () => {
    const settings = { prompt: '{a|b} __many__', choices_random: true, num_images: 2, seed: String(SEED_MAX) }
    const { sent, planned } = ask(settings, row(0.6, 0.5, 0, 0.999))
    expect(sent.map(({ prompt, num_images: count, seed }) => [prompt, count, seed])).toEqual([['b thing 100', 1, SEED_MAX], ['a thing 199', 1, 0]])
    expect(planned).toEqual({ tasks: 2, pictures: 2 })
  })

  it('leaves the seeds open where they are', () => {
    const { sent } = ask({ prompt: '{a|b}', choices_random: true, num_images: 2, seed: '-1' })
    expect(sent.map(({ seed }) => seed)).toEqual([null, null])
  })

  it('knows nothing to draw in a prompt without choices', () => {
    const { sent, planned } = ask({ prompt: 'a fox', choices_random: true, num_images: 4 })
    expect(sent.map(({ num_images: count }) => count)).toEqual([4])
    expect(planned).toEqual({ tasks: 1, pictures: 4 })
  })

  it('counts no tasks that are too many', () => expect(ask({ prompt: '__many__' }).planned).toEqual({ tasks: null, pictures: 1 }))
})
