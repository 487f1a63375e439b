import { useCallback, useDeferredValue, useEffect, useState } from 'react'

import { closeDialog, useOpened } from './useOpened.js'

/** Whether the address says that a dialog is open; a moment later, for the click itself must not wait for it. */
export function useDialog(name) {
  return useDeferredValue(useOpened()).dialog === name
}

/**
 * A dialog that has something to finish when it is gone back from: `{isOpen, isShown, onClosed}`.
 *
 * It is shown until it calls `onClosed`, which it does as well when it closes by itself; `isOpen` says that it may stay.
 */
export function useHeldDialog(name) {
  const isOpen = useDialog(name)
  const [state, setState] = useState('shut')
  if (isOpen && state === 'shut') setState('open')
  if (!isOpen && state === 'closed') setState('shut')
  const onClosed = useCallback(() => {
    setState('closed')
    closeDialog(name)
  }, [name])
  return { isOpen, isShown: state === 'open', onClosed }
}

/** Takes a dialog off the address for which there is nothing to show (any more): after a reload, or by Forward. */
export function useNoDialog(name, isNothing) {
  const isOpen = useDialog(name)
  useEffect(() => {
    if (isOpen && isNothing) closeDialog(name)
  }, [name, isOpen, isNothing])
}
