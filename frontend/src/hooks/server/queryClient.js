import { QueryCache, QueryClient } from '@tanstack/react-query'

/** Who this browser is to the server; see useSession. */
export const SESSION_KEY = ['session']

/**
 * The cache of server state. One failed poll anywhere makes the system query look at once, so that a lost server is
 * said within a moment, and one that is refused asks whether the session has ended. Nothing is retried in the
 * background, since polls come round anyway.
 */
export function createQueryClient() {
  const client = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, { queryKey: [name] }) => {
        if (error.unreachable && name !== 'system') client.invalidateQueries({ queryKey: ['system'] })
        if (error.status === 401 && name !== SESSION_KEY[0]) client.invalidateQueries({ queryKey: SESSION_KEY })
      },
    }),
    defaultOptions: {
      // The server is usually this very machine: it answers without an internet connection.
      queries: { retry: false, networkMode: 'always', staleTime: 1000 },
      mutations: { retry: false, networkMode: 'always' },
    },
  })
  return client
}
