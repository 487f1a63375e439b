import { fetchHistory, fetchImage } from '../../../services/api.js'

/** Pictures of one moment can fill some pages, but not more than a person would turn. */
const MOST_PAGES = 5

/** About where a picture stands in a list: behind all that are newer, or before all that are older. */
async function guess(filter, { created_at: moment }, signal) {
  const isNewest = filter.sort !== 'oldest'
  const bound = isNewest ? { from: moment } : { to: moment }
  const { total } = await fetchHistory({ ...filter, ...bound, page: 1, page_size: 1 }, { signal })
  return isNewest ? { index: Math.max(0, total - 1), step: -1 } : { index: total, step: 1 }
}

/**
 * Where a picture stands in what a filter finds: `{image, index, total, isIn}`.
 *
 * `image` is null where there is none such, or none that one may see. One that does not fit the filter is not in it;
 * `index` is then where it would be, and -1 where the one is in the trash and the other is not. `fetchPage` answers a
 * page of the filter.
 */
export async function locate(id, filter, pageSize, { fetchPage, signal }) {
  const image = await fetchImage(id, { signal })
  if (!image || Boolean(image.deleted_at) !== Boolean(filter.trash)) return { image, index: -1, total: 0, isIn: false }
  const { index, step } = await guess(filter, image, signal)
  let total = 0
  for (let page = Math.floor(index / pageSize) + 1, tries = 0; page > 0 && tries < MOST_PAGES; page += step, tries += 1) {
    const found = await fetchPage(page)
    total = found.total
    const at = found.images.findIndex((other) => other.id === id)
    if (at >= 0) return { image, index: (page - 1) * pageSize + at, total, isIn: true }
    // Of those of another moment none that follows can be it.
    const [edge] = step < 0 ? found.images : found.images.slice(-1)
    if (edge?.created_at !== image.created_at) break
  }
  return { image, index: Math.min(index, total), total, isIn: false }
}
