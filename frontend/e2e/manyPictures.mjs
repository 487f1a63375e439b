/** How many pictures the gallery has to bear. */
export const MANY = 10_000

function fakePicture(number, { thumbnailUrl }) {
  const id = number.toString(16).padStart(32, '0')
  return {
    id,
    filename: `${id}.png`,
    prompt: `picture ${number}`,
    width: 512,
    height: 512,
    num_inference_steps: 9,
    use_gpu: false,
    size_bytes: 1,
    created_at: '2026-03-01T12:00:00Z',
    generation_time_ms: 1000,
    model: 'zimage-nano',
    seed: number,
    device: 'cpu',
    guidance_scale: 0,
    negative_prompt: '',
    favourite: false,
    tags: [],
    deleted_at: null,
    download_url: `/api/download/${id}`,
    thumbnail_url: thumbnailUrl ?? `/api/images/${id}/thumbnail`,
  }
}

/** Answers the pages of a history that is longer than a test could draw. */
export async function pretendMany(page, options = {}) {
  await page.route(/\/api\/history\?/, (route) => {
    const query = new URL(route.request().url()).searchParams
    const [number, size] = [Number(query.get('page') ?? 1), Number(query.get('page_size') ?? 20)]
    const indices = Array.from({ length: size }, (_, at) => (number - 1) * size + at).filter((index) => index < MANY)
    const images = indices.map((index) => fakePicture(index, options))
    return route.fulfill({ json: { images, total: MANY, page: number, page_size: size, next_cursor: null } })
  })
}
