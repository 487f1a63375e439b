import { makeImage } from '../src/test/fakeServer.js'

/** How many pictures the gallery has to bear. */
export const MANY = 10_000

/**
 * Answers the pages of a history that is longer than a test could draw.
 *
 * @param page the browser's page.
 * @param overrides what its pictures have in common, such as a thumbnail that exists.
 */
export async function pretendMany(page, overrides = {}) {
  await page.route(/\/api\/history\?/, (route) => {
    const query = new URL(route.request().url()).searchParams
    const [number, size] = [Number(query.get('page') ?? 1), Number(query.get('page_size') ?? 20)]
    const indices = Array.from({ length: size }, (_, at) => (number - 1) * size + at).filter((index) => index < MANY)
    const images = indices.map((index) => makeImage(index, overrides))
    return route.fulfill({ json: { images, total: MANY, page: number, page_size: size, next_cursor: null } })
  })
}
