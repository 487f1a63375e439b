import { createContext, useContext } from 'react'

/** What the model of the form does with pictures: `draws` from one, `refers` to several; see can. */
export const AbilitiesContext = createContext({ draws: true, refers: false })

export function useAbilities() {
  return useContext(AbilitiesContext)
}
