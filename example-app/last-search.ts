import type { FastifyRequest } from 'fastify'

// What the app keeps in a session of its own needs no set-up, only a type.
declare module 'fastify' {
  interface Session {
    /** What this user looked for the last time. */
    lastSearch?: string
  }
}

/** Keeps a search until the login ends; an empty one forgets the search before it. */
export function rememberSearch ({ session }: FastifyRequest, search: string): void {
  if (search === '') delete session.lastSearch
  else session.lastSearch = search
}

/** The search that was kept, if there is one. Reading stores nothing. */
export function lastSearchOf ({ session }: FastifyRequest): string | undefined {
  return session.lastSearch
}
