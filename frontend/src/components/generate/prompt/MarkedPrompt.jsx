import { useLayoutEffect, useRef } from 'react'
import Form from 'react-bootstrap/Form'

import './MarkedPrompt.css'

/**
 * A prompt's text field with its end marked, from `unread` on: a copy of the text lies behind it and scrolls with it.
 * `children` stand beneath it.
 */
export default function MarkedPrompt({ unread, ref: field, children, ...control }) {
  const copy = useRef(null)
  const follow = () => {
    if (copy.current) copy.current.scrollTop = field.current.scrollTop
  }
  useLayoutEffect(follow)
  const { value } = control
  const from = unread ? value.trimEnd().length - unread.length : value.length
  return (
    <div className="marked-prompt">
      {unread && (
        <div className="form-control prompt prompt-copy" ref={copy} aria-hidden="true">
          {value.slice(0, from)}
          <mark>{value.slice(from)}</mark>
          {'\u200b'}
        </div>
      )}
      <Form.Control {...control} ref={field} as="textarea" rows={4} className="prompt" onScroll={follow} />
      {children}
    </div>
  )
}
