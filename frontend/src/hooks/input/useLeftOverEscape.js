import { useRef } from 'react'

/**
 * The Esc that a menu's button keeps to itself although its menu is closed: then the key is still the dialog's.
 *
 * Answers `onKeyDownCapture` for what the dialog holds, and `onEscapeKeyDown` for the dialog.
 */
export function useLeftOverEscape(onClose) {
  const hadMenu = useRef(false)
  return {
    onKeyDownCapture: () => {
      hadMenu.current = document.querySelector('.modal .dropdown-menu.show') !== null
    },
    onEscapeKeyDown: (event) => event.defaultPrevented && !hadMenu.current && onClose(),
  }
}
