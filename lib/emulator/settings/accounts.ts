/** A user of an account, as given; ids are unique only within their account. */
export interface UserData {
  /** The id_token's `sub`: opaque, numeric in LivePerson's examples. */
  readonly id: string
  /** What is typed as user name on the login page, letter for letter. */
  readonly loginName: string
  readonly password: string
  readonly fullName: string
  readonly email: string
  /** @default the first word of `fullName` */
  readonly nickname?: string
  /** The id_token's `is_admin`. @default false */
  readonly isAdmin?: boolean
  /** The id_token's `is_lpa`: LivePerson's own staff. @default false */
  readonly isLpa?: boolean
  /** Whether the user may sign in and use tokens. @default true */
  readonly enabled?: boolean
}

/** An application installed in an account, as given. */
export interface ApplicationData {
  /** LivePerson's "installation id", a UUID there. */
  readonly clientId: string
  readonly clientSecret: string
  /** Shown on the login page. */
  readonly clientName: string
  /** Absolute http(s) addresses of at most 128 characters; compared letter for letter. */
  readonly redirectUris: readonly string[]
  /** @default true */
  readonly enabled?: boolean
}

/** A LivePerson account, as given. */
export interface AccountData {
  /** Eight digits in most cases; test accounts begin with letters. */
  readonly accountId: string
  readonly applications: readonly ApplicationData[]
  readonly users: readonly UserData[]
}

/** A {@link UserData} with its defaults filled in, and free to change. */
export type User = Mutable<Required<UserData>>
/** An {@link ApplicationData} with its defaults filled in, and free to change. */
export type Application = Mutable<Required<Omit<ApplicationData, 'redirectUris'>>> & { redirectUris: string[] }
/** An {@link AccountData} with its defaults filled in, and free to change. */
export interface Account {
  accountId: string
  applications: Application[]
  users: User[]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A copy of the given account with every default filled in. */
export function accountFrom (data: AccountData): Account {
  return {
    accountId: data.accountId,
    applications: data.applications.map(applicationFrom),
    users: data.users.map(userFrom)
  }
}

function applicationFrom (data: ApplicationData): Application {
  return { enabled: true, ...data, redirectUris: [...data.redirectUris] }
}

function userFrom (data: UserData): User {
  const nickname = data.fullName.replace(/\s.*/s, '')
  return { nickname, isAdmin: false, isLpa: false, enabled: true, ...data }
}

/** The account of that id. */
export function findAccount (accounts: readonly Account[], accountId: string): Account | undefined {
  return accounts.find(account => account.accountId === accountId)
}

/** The account's application of that id, unless it is disabled. */
export function findApplication (account: Account, clientId: string | undefined): Application | undefined {
  return account.applications.find(application => application.clientId === clientId && application.enabled)
}

/** The account's user of that id, unless it is disabled. */
export function findEnabledUser (account: Account, userId: string): User | undefined {
  return account.users.find(user => user.id === userId && user.enabled)
}
