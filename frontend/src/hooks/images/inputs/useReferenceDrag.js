import { useRef } from 'react'

const OWN_TYPE = 'application/x-zimage-reference'

const carriesOne = ({ dataTransfer }) => dataTransfer.types.includes(OWN_TYPE)

/** A function that gives each place of a list what lets its item be dragged to another one, which `onMove` is told. */
export function useReferenceDrag(onMove) {
  const from = useRef(null)
  const mark = (event, isOver) => {
    if (!carriesOne(event)) return
    event.preventDefault()
    event.currentTarget.toggleAttribute('data-over', isOver)
  }
  return (at) => ({
    draggable: true,
    onDragStart: ({ dataTransfer }) => {
      from.current = at
      dataTransfer.effectAllowed = 'move'
      dataTransfer.setData(OWN_TYPE, String(at))
    },
    onDragOver: (event) => mark(event, true),
    onDragLeave: (event) => mark(event, false),
    onDrop: (event) => {
      mark(event, false)
      if (carriesOne(event) && from.current !== null && from.current !== at) onMove(from.current, at)
      from.current = null
    },
  })
}
