/** Options of earlier drafts, each with the one that replaced it. */
export const RENAMED_OPTIONS: Readonly<Record<string, string>> = {
  'session.cookieName': 'cookie.name',
  'session.cookie': 'cookie',
  'session.store': 'store',
  'session.maxSessions': 'maxLogins',
  'session.idleLifetime': 'idleLifetime',
  'session.absoluteLifetime': 'absoluteLifetime',
  keepOnLogin: 'session.keep',
  defaultReturnPath: 'returnTo.afterLogin',
  logoutReturnPath: 'returnTo.afterLogout',
  refreshLock: 'lock',
  refreshMargin: 'refreshLeeway'
}
