import { randomBytes } from 'node:crypto'
import type { LeAuthOptions } from 'fastify-le-auth'
import { EMULATOR_DEFAULTS, startSentinelEmulator, type SentinelEmulator, type User } from 'fastify-le-auth/emulator'

/** An emulator that knows this app, and the options that lead the app to it. */
export interface Emulated {
  emulator: SentinelEmulator
  leAuth: LeAuthOptions
}

/** Starts an emulator of LivePerson for an app on this port, and on this machine only. */
export async function startEmulator (appPort: number, sentinelPort: number): Promise<Emulated> {
  const emulator = await startSentinelEmulator({ port: sentinelPort })
  const { accountId, clientId, clientSecret } = EMULATOR_DEFAULTS
  // What LivePerson's staff or the Management Console would do: register the redirect URI.
  const redirectUri = `http://localhost:${appPort}/callback`
  for (const { applications: [application] } of emulator.accounts) {
    application!.redirectUris.push(redirectUri)
    application!.clientName = 'Northdesk'
  }
  return {
    emulator,
    leAuth: {
      accountId,
      clientId,
      clientSecret,
      redirectUri,
      domainApi: emulator.url,
      // Nothing outlives this process: neither the secret nor the sessions.
      secret: randomBytes(32).toString('base64url')
    }
  }
}

/** Says who can log in, and that nothing of this is real. */
export function emulatorWelcome ({ accounts, url }: SentinelEmulator): string {
  const users = accounts.find(account => account.accountId === EMULATOR_DEFAULTS.accountId)?.users ?? []
  return `
  No LE_* variables are set, so an emulator plays LivePerson at ${url}
  These users can log in, each with the password ${EMULATOR_DEFAULTS.password}

${users.filter(user => user.enabled).map(user => `    ${user.loginName.padEnd(20)}${roleOf(user)}`).join('\n')}

  Logins end when this process does. For the real LivePerson, copy .env.example to .env and fill it in.
`
}

function roleOf ({ isAdmin, isLpa }: User): string {
  if (isLpa) return 'LivePerson staff, administrator'
  return isAdmin ? 'administrator' : 'agent'
}
