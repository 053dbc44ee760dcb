import { callback, clientId, clientSecret, idp, secret } from './settings.mjs'

/** The plugin's five settings, and the stub in Sentinel's place. */
export const leAuthOptions = {
  accountId: '1',
  clientId,
  clientSecret,
  redirectUri: callback,
  secret,
  domainApi: idp, // http on loopback, so that Sentinel may be http too
  sentinelDomain: new URL(idp).host
}
