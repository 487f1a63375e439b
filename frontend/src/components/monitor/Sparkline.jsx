/** The stretches of known values as paths: x counts back from now, so that a line grows in from the right; y is up. */
function toPaths(values, length) {
  const start = length - values.length
  const stretches = []
  values.forEach((value, index) => {
    if (typeof value !== 'number') return
    if (typeof values[index - 1] !== 'number') stretches.push([])
    stretches.at(-1).push({ x: start + index, y: 100 - value })
  })
  return stretches.map((points) => {
    const line = points.map(({ x, y }) => `L${x} ${y}`).join('').replace('L', 'M')
    return { line, area: `${line}V100H${points[0].x}Z` }
  })
}

/** The last values of a percentage as a small line. `length` is how many fit. The number beside it says the newest. */
export default function Sparkline({ values, length, label }) {
  return (
    <svg className="sparkline" role="img" aria-label={label} viewBox={`0 -4 ${length - 1} 106`} preserveAspectRatio="none">
      {toPaths(values.slice(-length), length).map(({ line, area }) => (
        <g key={line}>
          <path className="sparkline-area" d={area} />
          <path className="sparkline-line" d={line} />
        </g>
      ))}
    </svg>
  )
}
