import { describe, expect, it } from 'vitest'

import { brushSpans, polygonSpans, rectangleOf } from './spans.js'

const SIZE = { width: 24, height: 16 }

/** What spans cover, as a picture of # and dots. */
function draw(paint, { width, height } = SIZE) {
  const pixels = new Uint8Array(width * height)
  paint((y, start, end) => pixels.fill(1, y * width + start, y * width + end))
  return Array.from({ length: height }, (_, y) => [...pixels.subarray(y * width, (y + 1) * width)].map((is) => (is ? '#' : '.')).join(''))
}

/** The same by the definition: which pixels' middles a test holds for. */
function expected(holds, { width, height } = SIZE) {
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => (holds(x + 0.5, y + 0.5) ? '#' : '.')).join(''))
}

/** Whether a point is in one of the circles between a and b: sampled finely. */
function inHull(a, b) {
  const steps = 4000
  const circles = Array.from({ length: steps + 1 }, (_, step) => {
    const share = step / steps
    return { x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y), radius: a.radius + share * (b.radius - a.radius) }
  })
  return (x, y) => circles.some((circle) => Math.hypot(x - circle.x, y - circle.y) <= circle.radius)
}

describe('brushSpans', () => {
  it.each([
    ['a dab', { x: 8, y: 8, radius: 5 }, { x: 8, y: 8, radius: 5 }],
    ['a way aslant', { x: 4, y: 3, radius: 2.2 }, { x: 19, y: 11, radius: 2.2 }],
    ['a level way', { x: 4, y: 8, radius: 3 }, { x: 20, y: 8, radius: 3 }],
    ['an upright way', { x: 9.3, y: 2, radius: 1.4 }, { x: 9.3, y: 13, radius: 1.4 }],
    ['more and more pressure', { x: 3, y: 12, radius: 0.7 }, { x: 18, y: 5, radius: 4.5 }],
    ['a circle in a circle', { x: 10, y: 8, radius: 6 }, { x: 11, y: 8, radius: 2 }],
    ['over the border', { x: -3, y: -2, radius: 5 }, { x: 26, y: 17, radius: 4 }],
  ])('cover the pixels whose middles the brush passes: %s', (_, a, b) => {
    expect(draw((visit) => brushSpans(a, b, SIZE, visit))).toEqual(expected(inHull(a, b)))
  })

  it('cover one pixel with a brush of one', () => {
    const dab = { x: 5.5, y: 4.5, radius: 0.5 }
    const rows = draw((visit) => brushSpans(dab, dab, SIZE, visit))
    expect(rows.join('').replaceAll('.', '')).toBe('#')
    expect(rows[4][5]).toBe('#')
  })

  it('cover nothing outside', () => {
    const far = { x: 100, y: 100, radius: 5 }
    expect(draw((visit) => brushSpans(far, far, SIZE, visit))).toEqual(expected(() => false))
  })
})

describe('polygonSpans', () => {
  it('fill what a line encloses, pixel by pixel', () => {
    const triangle = [{ x: 2, y: 2 }, { x: 20.13, y: 5.07 }, { x: 7.21, y: 14 }]
    const side = (x, y, a, b) => (b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x)
    const inside = (x, y) => triangle.every((a, index) => side(x, y, a, triangle[(index + 1) % 3]) >= 0)
    expect(draw((visit) => polygonSpans(triangle, SIZE, visit))).toEqual(expected(inside))
  })

  it('share an edge without a gap and without an overlap', () => {
    const counts = new Uint8Array(SIZE.width * SIZE.height)
    const count = (y, start, end) => {
      for (let x = start; x < end; x += 1) counts[y * SIZE.width + x] += 1
    }
    const corners = [{ x: 1.2, y: 1 }, { x: 20, y: 1.7 }, { x: 21.4, y: 13.2 }, { x: 3, y: 14 }]
    polygonSpans([corners[0], corners[1], corners[2]], SIZE, count)
    polygonSpans([corners[0], corners[2], corners[3]], SIZE, count)
    const whole = new Uint8Array(SIZE.width * SIZE.height)
    polygonSpans(corners, SIZE, (y, start, end) => whole.fill(1, y * SIZE.width + start, y * SIZE.width + end))
    expect(counts).toEqual(whole)
  })

  it('fill every loop of a line that crosses itself, whichever way it goes', () => {
    const twice = [[2, 2], [14, 2], [14, 12], [2, 12], [2, 2], [14, 2], [14, 12], [2, 12]].map(([x, y]) => ({ x, y }))
    expect(draw((visit) => polygonSpans(twice, SIZE, visit))).toEqual(expected((x, y) => x > 2 && x < 14 && y > 2 && y < 12))
    const bow = [[2, 2], [20, 12], [20, 2], [2, 12]].map(([x, y]) => ({ x, y }))
    const rows = draw((visit) => polygonSpans(bow, SIZE, visit))
    expect([rows[7][4], rows[7][18], rows[3][11]]).toEqual(['#', '#', '.'])
  })

  it('stop at the border of the picture', () => {
    const large = [[-50, -50], [80, -50], [80, 80], [-50, 80]].map(([x, y]) => ({ x, y }))
    expect(draw((visit) => polygonSpans(large, SIZE, visit))).toEqual(expected(() => true))
  })
})

describe('rectangleOf', () => {
  it('is of whole pixels, with both corners, in any order', () => {
    const [a, b] = [{ x: 9.2, y: 7.9 }, { x: 3.6, y: 2.1 }]
    expect(rectangleOf(a, b, SIZE)).toEqual({ left: 3, top: 2, right: 10, bottom: 8 })
    expect(rectangleOf(b, a, SIZE)).toEqual(rectangleOf(a, b, SIZE))
  })

  it('is cut at the border', () => {
    expect(rectangleOf({ x: -9, y: -9 }, { x: 99, y: 99 }, SIZE)).toEqual({ left: 0, top: 0, right: 24, bottom: 16 })
  })
})
