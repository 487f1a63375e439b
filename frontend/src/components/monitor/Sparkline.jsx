import { useEffect, useRef } from 'react'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

const HEIGHT_PX = 30

function options(element) {
  // Asked for at each drawing, so that the line follows the theme.
  const colour = () => getComputedStyle(element).color
  return {
    width: element.clientWidth || 1,
    height: HEIGHT_PX,
    padding: [2, 0, 1, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false }, y: { range: [0, 100] } },
    axes: [{ show: false }, { show: false }],
    series: [{}, { stroke: colour, width: 1.5, fill: () => `color-mix(in srgb, ${colour()} 14%, transparent)`, points: { show: false } }],
  }
}

/** Counted back from now, so that a line grows in from the right. */
function toData(values, length) {
  return [values.map((_, index) => length - values.length + index), values]
}

/** The last values of a percentage as a small line. `length` is how many fit. The number beside it says the newest. */
export default function Sparkline({ values, length, label }) {
  const ref = useRef(null)
  const plot = useRef(null)
  useEffect(() => {
    const element = ref.current
    plot.current = new UPlot(options(element), [[], []], element)
    const observer = new ResizeObserver(() => plot.current.setSize({ width: element.clientWidth || 1, height: HEIGHT_PX }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      plot.current.destroy()
    }
  }, [])
  useEffect(() => {
    plot.current.setData(toData(values, length), false)
    plot.current.setScale('x', { min: 0, max: length - 1 })
  }, [values, length])
  return <div className="sparkline" role="img" aria-label={label} ref={ref} />
}
