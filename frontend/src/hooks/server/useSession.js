import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'

import { readStored, writeStored } from '../../lib/storage.js'
import { fetchSession, logIn, logOut } from '../../services/api.js'
import { SESSION_KEY } from './queryClient.js'

const FREE = { required: false, name: null }
const ENDED = { required: true, name: null }
/** Whether the server let everyone in when it was asked last. */
const STORED_KEY = 'zimage.free-entry'

async function askForSession({ signal }) {
  const session = await fetchSession({ signal })
  writeStored(STORED_KEY, !session.required)
  return session
}

/** Asked for before the page is drawn, see main.jsx. */
export const SESSION_QUERY = { queryKey: SESSION_KEY, queryFn: askForSession, staleTime: Infinity }

/**
 * Whether this browser may see the page: `state` is "asking" until it is known, then "open" or "closed".
 *
 * Where everyone was let in the last time, the page is shown at once and the answer only confirms it. A server that
 * does not answer closes nothing: the page says itself that it is away.
 */
export function useSession() {
  const { data, isPending } = useQuery({
    ...SESSION_QUERY,
    placeholderData: () => (readStored(STORED_KEY, (stored) => stored === true, false) ? FREE : undefined),
  })
  if (isPending) return { state: 'asking', name: null }
  const closed = data?.required && data.name === null
  return { state: closed ? 'closed' : 'open', name: data?.name ?? null }
}

/** Resolves once the session that has ended is open again. */
export function whenOpen(queryClient) {
  queryClient.invalidateQueries({ queryKey: SESSION_KEY })
  const isOpen = ({ state: { data, isInvalidated, fetchStatus } }) =>
    data && !isInvalidated && fetchStatus === 'idle' && !(data.required && data.name === null)
  return new Promise((resolve) => {
    const end = queryClient.getQueryCache().subscribe(({ query }) => {
      if (query.queryKey[0] !== SESSION_KEY[0] || !isOpen(query)) return
      end()
      resolve()
    })
  })
}

/** Brings a token to the server; the page opens when it is taken. */
export function useLogIn() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (token) => logIn(token),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: SESSION_KEY }),
  })
}

/** Ends the session, and forgets everything that was seen in it. */
export function useLogOut() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: () => logOut(),
    onSuccess: () => {
      queryClient.setQueryData(SESSION_KEY, ENDED)
      queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] })
    },
  })
}
