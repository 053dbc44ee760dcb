import { randomBytes } from 'node:crypto'
import type { LeAuthOptions } from 'fastify-le-auth'
import {
  EMULATOR_DEFAULTS,
  startSentinelEmulator,
  type SentinelEmulator,
  type User
} from 'fastify-le-auth/emulator'

/** An emulator with this app registered, and the options that point the app to it. */
export interface Emulated {
  emulator: SentinelEmulator
  leAuth: LeAuthOptions
}

/** Starts an emulator of LivePerson for an app on this port. It serves this machine only. */
export async function startEmulator(appPort: number, sentinelPort: number): Promise<Emulated> {
  const emulator = await startSentinelEmulator({ port: sentinelPort })
  const { accountId, clientId, clientSecret } = EMULATOR_DEFAULTS
  // At LivePerson, this is registered in the Management Console.
  const redirectUri = `http://localhost:${appPort}/callback`
  for (const {
    applications: [application]
  } of emulator.accounts) {
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
      // Logins end with this process, so the secret may too.
      secret: randomBytes(32).toString('base64url')
    }
  }
}

/** Tells the console who can log in, and that this is an emulator. */
export function emulatorWelcome({ accounts, url }: SentinelEmulator): string {
  const { accountId, password } = EMULATOR_DEFAULTS
  const users = accounts.find(account => account.accountId === accountId)?.users ?? []
  const lines = users
    .filter(user => user.enabled)
    .map(user => `    ${user.loginName.padEnd(20)}${roleOf(user)}`)
  return `
  No LE_* variables are set, so an emulator plays LivePerson at ${url}
  These users can log in. Everybody's password is ${password}

${lines.join('\n')}

  Logins end when this process ends.
  To use the real LivePerson, copy .env.example to .env and fill it in.
`
}

function roleOf({ isAdmin, isLpa }: User): string {
  if (isLpa) return 'LivePerson staff, administrator'
  return isAdmin ? 'administrator' : 'agent'
}
