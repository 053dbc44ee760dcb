import { allowInsecureRequests, ClientSecretPost, clockSkew, clockTolerance, customFetch, type Client, type ClientAuth, type CustomFetchOptions } from 'oauth4webapi'
import type { HttpClient } from '../http/client.js'

/** Clocks of two healthy servers are closer than this; a longer one would make `exp` meaningless. In seconds. */
export const CLOCK_TOLERANCE = 60

/** This application as Sentinel's client: who it is, how it proves that, how it calls. */
export interface SentinelClient {
  metadata: Client
  authentication: ClientAuth
  /** What each call of oauth4webapi takes last. */
  callOptions: {
    [customFetch]: (url: string, options: CustomFetchOptions<string, unknown>) => Promise<Response>
    [allowInsecureRequests]: boolean
  }
}

/** Who this application is at Sentinel. */
export interface ClientSettings {
  clientId: string
  clientSecret: string
  /** Whether Sentinel may be on a loopback host over http, as the emulator is. */
  loopback: boolean
  now: () => number
}

/** The client secret goes in the body (RFC 6749 §2.3.1), as LivePerson documents; never in a URL. */
export function createSentinelClient (settings: ClientSettings, http: HttpClient): SentinelClient {
  return {
    metadata: {
      client_id: settings.clientId,
      [clockTolerance]: CLOCK_TOLERANCE,
      // oauth4webapi reads the system's clock; the difference brings in ours.
      get [clockSkew] () { return Math.round((settings.now() - Date.now()) / 1000) }
    },
    authentication: ClientSecretPost(settings.clientSecret),
    callOptions: {
      [allowInsecureRequests]: settings.loopback,
      [customFetch]: async (url, { method, headers, body }) => (await http.send(url, { method, headers, body: String(body) })).asResponse()
    }
  }
}
