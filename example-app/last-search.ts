import type { FastifyRequest } from 'fastify'

// The app can store values in the session without set-up. TypeScript needs their types.
declare module 'fastify' {
  interface Session {
    /** This user's last search. */
    lastSearch?: string
  }
}

/** Keeps a search until the login ends. An empty search deletes the one before it. */
export function rememberSearch({ session }: FastifyRequest, search: string): void {
  if (search === '') delete session.lastSearch
  else session.lastSearch = search
}

/** The last search, if there is one. Reading does not store a session. */
export function lastSearchOf({ session }: FastifyRequest): string | undefined {
  return session.lastSearch
}
