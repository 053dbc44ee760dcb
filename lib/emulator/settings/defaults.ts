import type { AccountData, ApplicationData, UserData } from './accounts.js'

/** What an emulator without options knows, for an example or a test to log in with. */
export interface EmulatorDefaults {
  /** The account with most of the users. */
  readonly accountId: string
  /** A smaller account with the same application installed, to try several accounts. */
  readonly secondAccountId: string
  readonly clientId: string
  readonly clientSecret: string
  /** `http://localhost:3000/callback`, and the same at 127.0.0.1. */
  readonly redirectUris: readonly [string, string]
  /** The password of every user. */
  readonly password: string
  /** Whom to sign in as; `other` is of the second account, the rest of the first. */
  readonly loginNames: Readonly<Record<'agent' | 'administrator' | 'lpa' | 'disabled' | 'other', string>>
}

/** The emulator's well-known values. Everybody may read them here: nothing of this is secret. */
export const EMULATOR_DEFAULTS: EmulatorDefaults = Object.freeze({
  accountId: '12345678',
  secondAccountId: 'le87654321',
  clientId: '6f9a3c1e-5d42-4b7a-9e08-2c71d4a85b36',
  clientSecret: 'not-a-secret-9c5e1f7a2b',
  redirectUris: Object.freeze(['http://localhost:3000/callback', 'http://127.0.0.1:3000/callback'] as const),
  password: 'liveperson',
  loginNames: Object.freeze({
    agent: 'maya.osei',
    administrator: 'henrik.dahl',
    lpa: 'priya.raman',
    disabled: 'tom.keller',
    other: 'ines.moreau'
  })
})

/** The `accounts` of an emulator that is given none. */
export function defaultAccounts (): AccountData[] {
  const { accountId, secondAccountId, loginNames } = EMULATOR_DEFAULTS
  return [
    {
      accountId,
      applications: [application()],
      users: [
        user('3562186410', 'Maya Osei', { loginName: loginNames.agent }),
        user('3562186411', 'Henrik Dahl', { loginName: loginNames.administrator, isAdmin: true }),
        user('3562186412', 'Priya Raman', { loginName: loginNames.lpa, isAdmin: true, isLpa: true }),
        user('3562186413', 'Tom Keller', { loginName: loginNames.disabled, enabled: false }),
        user('3562186414', 'Sofía Castellanos', { loginName: 'sofia.castellanos' }),
        user('3562186415', 'Daniel Okafor', { loginName: 'daniel.okafor' }),
        user('3562186416', 'Aiko Tanabe', { loginName: 'aiko.tanabe' }),
        user('3562186417', 'Liam O’Brien', { loginName: 'liam.obrien' })
      ]
    },
    {
      accountId: secondAccountId,
      applications: [application()],
      users: [
        user('8812004730', 'Inès Moreau', { loginName: loginNames.other }),
        user('8812004731', 'Jonas Weber', { loginName: 'jonas.weber', isAdmin: true })
      ]
    }
  ]
}

function application (): ApplicationData {
  const { clientId, clientSecret, redirectUris } = EMULATOR_DEFAULTS
  return { clientId, clientSecret, clientName: 'Support Desk', redirectUris }
}

function user (id: string, fullName: string, more: Partial<UserData> & { loginName: string }): UserData {
  return { id, fullName, email: `${more.loginName}@example.com`, password: EMULATOR_DEFAULTS.password, ...more }
}
