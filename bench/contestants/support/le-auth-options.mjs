import { callback, clientId, clientSecret, idp, secret } from './settings.mjs'

/** The plugin's five settings, and the address of the stub that replaces Sentinel. */
export const leAuthOptions = {
  accountId: '1',
  clientId,
  clientSecret,
  redirectUri: callback,
  secret,
  domainApi: idp, // http on loopback: then Sentinel may use http too
  sentinelDomain: new URL(idp).host
}
