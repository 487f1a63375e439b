import { parseNumber } from '../../lib/digits.js'
import DigitInput from './DigitInput.jsx'

/** Enough for any step, and none of what binary fractions leave behind. */
const DECIMALS = 6
const DIRECTIONS = { ArrowUp: 1, ArrowDown: -1 }

/**
 * A number that can be typed, or changed by ↑ and ↓; `onType` gets its text.
 *
 * Not of `type="number"`: browsers throw away what they do not take for digits.
 */
export default function NumberInput({ value, min, max, step = 1, onType, onKeyDown, ...control }) {
  const number = parseNumber(String(value))
  const handleKey = (event) => {
    const direction = DIRECTIONS[event.key]
    onKeyDown?.(event)
    if (!direction || event.nativeEvent.isComposing) return
    event.preventDefault()
    const next = Number.isNaN(number) ? min : number + direction * step
    onType(String(Number(Math.min(max, Math.max(min, next)).toFixed(DECIMALS))))
  }
  return (
    <DigitInput
      {...control}
      role="spinbutton"
      aria-valuemin={min}
      aria-valuemax={max}
      aria-valuenow={Number.isNaN(number) ? undefined : number}
      value={value}
      onType={onType}
      onKeyDown={handleKey}
    />
  )
}
