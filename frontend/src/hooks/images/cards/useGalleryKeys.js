import { MOST_COMPARED } from '../../../lib/opened.js'
import { useHotkeys } from '../../input/useHotkeys.js'
import { useCardKeys } from './useCardKeys.js'

/**
 * What the keys on a card do. Where the card is one of several chosen ones, they all are meant. Esc chooses none,
 * wherever the focus is.
 *
 * `onReuse`, `onCompare` and `onPurge` are those of the cards' buttons; `onTurn` is that of useCardKeys.
 */
export function useGalleryKeys(ref, { images, inSight, trash, actions, selection, onReuse, onCompare, onPurge, onTurn }) {
  const find = (id) => images.find((image) => image.id === id)
  const meant = (id) => (selection.has(id) ? selection.chosen : [find(id)])
  const idsOf = (id) => meant(id).map((image) => image.id)
  const remove = (id, { leave }) => {
    if (trash) {
      onPurge(meant(id))
      return
    }
    leave()
    actions.trash(idsOf(id))
    if (selection.has(id)) selection.clear()
  }
  /** Those that are chosen, or a card and the one after it. */
  const compare = (id) => {
    const { chosen } = selection
    const isMeant = chosen.length > 1 && chosen.length <= MOST_COMPARED
    const compared = isMeant ? chosen : images.slice(images.indexOf(find(id))).slice(0, 2).toReversed()
    if (compared.length > 1) onCompare(compared)
  }
  const keys = {
    ' ': (id, { event }) => selection.toggle(find(id), { range: event.shiftKey }),
    'Mod+a': selection.all,
    x: remove,
    Delete: remove,
    ...(!trash && {
      f: (id) => actions.favour(idsOf(id), !find(id).favourite),
      u: (id) => onReuse(find(id)),
      v: (id) => void actions.vary(find(id)),
      c: compare,
      s: (id) => onReuse(find(id), 'seed'),
      e: (id) => onReuse(find(id), 'picture'),
      d: (id, { card }) =>
        selection.has(id) && selection.chosen.length > 1
          ? actions.download(idsOf(id))
          : card.querySelector('a[download]').click(),
    }),
  }
  useHotkeys(selection.chosen.length > 0 ? { Escape: selection.clear } : {})
  return useCardKeys(ref, inSight, keys, onTurn)
}
