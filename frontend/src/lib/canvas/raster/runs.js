/** Fewer equal values than this are not worth a run of their own. */
const LEAST_RUN = 8
/** Marks a length whose values are all listed, not one for all. */
const LISTED = 0x80000000

/** How many of the values from `start` on are the same. */
function runLength(values, start) {
  const value = values[start]
  let end = start + 1
  while (end < values.length && values[end] === value) end += 1
  return end - start
}

/**
 * Typed values by runs: `{lengths, values}`. What people paint takes a hundredth of its pixels.
 *
 * The values keep their type. A list of any values grows by a few lengths at most.
 */
export function packRuns(source) {
  const lengths = []
  const parts = []
  let listedFrom = 0
  const flush = (until) => {
    if (until === listedFrom) return
    lengths.push(LISTED + (until - listedFrom))
    parts.push(source.subarray(listedFrom, until))
  }
  for (let at = 0; at < source.length; ) {
    const length = runLength(source, at)
    if (length >= LEAST_RUN) {
      flush(at)
      lengths.push(length)
      parts.push(source.subarray(at, at + 1))
      listedFrom = at + length
    }
    at += length
  }
  flush(source.length)
  const values = new source.constructor(parts.reduce((sum, part) => sum + part.length, 0))
  let to = 0
  for (const part of parts) {
    values.set(part, to)
    to += part.length
  }
  return { lengths: Uint32Array.from(lengths), values }
}

/** Calls `visit(start, end, value)` for each run, or `visit(start, end, null, listed)` where every value is its own. */
function eachRun({ lengths, values }, visit) {
  let [at, from] = [0, 0]
  for (const entry of lengths) {
    if (entry >= LISTED) {
      const length = entry - LISTED
      visit(at, at + length, null, values.subarray(from, from + length))
      at += length
      from += length
    } else {
      visit(at, at + entry, values[from])
      at += entry
      from += 1
    }
  }
}

/** Writes packed values into `target`, which has room for them. */
export function unpackRuns(packed, target) {
  eachRun(packed, (start, end, value, listed) => {
    if (listed) target.set(listed, start)
    else target.fill(value, start, end)
  })
  return target
}

/** What packed values take in memory. */
export function packedBytes({ lengths, values }) {
  return lengths.byteLength + values.byteLength
}
