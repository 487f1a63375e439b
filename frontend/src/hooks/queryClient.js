import { QueryCache, QueryClient } from '@tanstack/react-query'

/**
 * The cache of server state. One failed poll anywhere makes the system query look at once, so that a lost
 * server is said within a moment; nothing is retried in the background, since polls come round anyway.
 */
export function createQueryClient() {
  const client = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        if (error.unreachable && query.queryKey[0] !== 'system') client.invalidateQueries({ queryKey: ['system'] })
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
