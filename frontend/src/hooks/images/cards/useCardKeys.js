import { useEffect, useRef, useState } from 'react'

import { placeAfter } from '../../../lib/images/grid.js'

const CARD = '.card-item:has([data-picture])'

function nameOf({ key, ctrlKey, metaKey, altKey }) {
  if (altKey) return null
  const name = key.length === 1 ? key.toLowerCase() : key
  return ctrlKey || metaKey ? `Mod+${name}` : name
}

/** To the page before and after, from the first and the last card. */
const TURNS = { ArrowLeft: -1, ArrowRight: 1 }

const pictureOf = (card) => card?.querySelector('[data-picture]')

function moveTo(card) {
  pictureOf(card)?.focus()
  card?.scrollIntoView({ block: 'nearest' })
}

/**
 * Keys on cards in the element of `ref`, which are one stop of Tab: arrows, Home and End lead from card to card, `keys` maps the names of others
 * to what they do with the card's picture, `(id, {card, leave, event})`; `leave` gives the focus to a neighbour.
 *
 * Past the ends they turn the page where `onTurn`, told the direction, answers that there is another.
 *
 * Answers the id of the card that is the stop.
 */
export function useCardKeys(ref, images, keys, onTurn) {
  const [active, setActive] = useState(null)
  const turned = useRef(null)
  useEffect(() => {
    if (!turned.current || turned.current.from === images) return
    moveTo([...ref.current.querySelectorAll(CARD)].at(turned.current.direction > 0 ? 0 : -1))
    turned.current = null
  }, [ref, images])
  useEffect(() => {
    const element = ref.current
    const onFocus = ({ target }) => {
      const id = pictureOf(target.closest(CARD))?.dataset.picture
      if (id) setActive(id)
    }
    const onKeyDown = (event) => {
      const card = event.target.closest(CARD)
      const name = nameOf(event)
      if (!card || event.defaultPrevented || event.isComposing) return
      const cards = [...element.querySelectorAll(CARD)]
      const at = cards.indexOf(card)
      const place = placeAfter(cards.map((one) => Math.round(one.getBoundingClientRect().top)), at, name)
      if (place !== undefined) {
        event.preventDefault()
        moveTo(cards[place])
        return
      }
      if (TURNS[name] && !event.repeat && onTurn?.(TURNS[name])) {
        event.preventDefault()
        turned.current = { from: images, direction: TURNS[name] }
        return
      }
      if (!event.repeat) turned.current = null // whoever presses another key waits for no page
      // A button or box within the card keeps the key that presses it.
      if (!Object.hasOwn(keys, name) || event.repeat || (name === ' ' && event.target !== pictureOf(card))) return
      const leave = () => moveTo(cards[at + 1] ?? cards[at - 1])
      if (keys[name](pictureOf(card).dataset.picture, { card, leave, event }) !== false) event.preventDefault()
    }
    // Some browsers press a button as the space bar is let go.
    const onKeyUp = (event) => event.key === ' ' && event.target.matches('[data-picture]') && event.preventDefault()
    const listeners = { focusin: onFocus, keydown: onKeyDown, keyup: onKeyUp }
    for (const [name, listener] of Object.entries(listeners)) element.addEventListener(name, listener)
    return () => {
      for (const [name, listener] of Object.entries(listeners)) element.removeEventListener(name, listener)
    }
  })
  return images.some(({ id }) => id === active) ? active : images[0]?.id
}
