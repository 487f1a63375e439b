/** A picture that some page of the history which is at hand holds, or undefined. */
export function findPicture(queryClient, id) {
  const pages = queryClient.getQueriesData({ queryKey: ['history'] })
  return pages.flatMap(([, data]) => data?.images ?? []).find((image) => image.id === id)
}
