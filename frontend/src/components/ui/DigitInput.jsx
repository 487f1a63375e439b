import { useState } from 'react'
import Form from 'react-bootstrap/Form'

import { toPlainDigits } from '../../lib/digits.js'

/** A field for digits, which any keyboard may type: `onType` gets them as plain ones. */
export default function DigitInput({ value, onType, ...control }) {
  // What an input method is still at must not be touched.
  const [composed, setComposed] = useState(null)
  const onChange = ({ target, nativeEvent }) => {
    if (nativeEvent.isComposing) setComposed(target.value)
    else onType(toPlainDigits(target.value))
  }
  const onCompositionEnd = ({ target }) => {
    setComposed(null)
    onType(toPlainDigits(target.value))
  }
  return (
    <Form.Control
      inputMode="numeric"
      autoComplete="off"
      {...control}
      value={composed ?? value}
      onChange={onChange}
      onCompositionEnd={onCompositionEnd}
    />
  )
}
