import {
  allowInsecureRequests,
  ClientSecretPost,
  clockSkew,
  clockTolerance,
  customFetch,
  type Client,
  type ClientAuth,
  type CustomFetchOptions
} from 'oauth4webapi'
import type { HttpClient } from '../http/client.ts'
import type { Turns } from '../http/turns.ts'
import type { IdTokenSignatures } from './id-token-signature.ts'

/** Two healthy servers' clocks differ by less. A longer one would make `exp` meaningless. In s. */
export const CLOCK_TOLERANCE = 60

/** This app as Sentinel's client: who it is, how it proves that, and how it makes calls. */
export interface SentinelClient {
  metadata: Client
  authentication: ClientAuth
  /** The last argument of each call of oauth4webapi. */
  callOptions: {
    [customFetch]: (url: string, options: FetchOptions) => Promise<Response>
    [allowInsecureRequests]: boolean
  }
  /** Checks the signatures of id_tokens; left out if they are not checked. */
  signatures?: IdTokenSignatures
}

type FetchOptions = CustomFetchOptions<string, unknown>

/** Who this app is at Sentinel. */
export interface ClientSettings {
  clientId: string
  clientSecret: string
  /** Whether Sentinel may be on a loopback host over http, as the emulator is. */
  loopback: boolean
  now: () => number
}

/**
 * The client secret is in the body (RFC 6749 §2.3.1), as LivePerson documents, never in a URL.
 *
 * @param turns limits how many calls run at a time
 */
export function createSentinelClient(
  { clientId, clientSecret, loopback, now }: ClientSettings,
  http: HttpClient,
  turns: Turns
): SentinelClient {
  return {
    metadata: {
      client_id: clientId,
      [clockTolerance]: CLOCK_TOLERANCE,
      // oauth4webapi reads the system's clock. The difference makes it the plugin's clock.
      get [clockSkew]() {
        return Math.round((now() - Date.now()) / 1000)
      }
    },
    authentication: ClientSecretPost(clientSecret),
    callOptions: {
      [allowInsecureRequests]: loopback,
      [customFetch]: async (url, { method, headers, body }) => {
        const response = await http.send(url, { method, headers, body: String(body) }, turns)
        return response.asResponse()
      }
    }
  }
}
