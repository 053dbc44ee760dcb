import type { Dispatcher } from 'undici'

type Module = typeof import('undici')

/** A `Dispatcher` of any major of undici. Their types differ from each other. */
export interface AnyDispatcher {
  dispatch: (options: any, handler: any) => boolean
}

/** How calls are made. */
export interface HttpOptions {
  /** The deadline of one call to Sentinel or the Domain API, in ms. */
  timeout: number
  /** Whether the plugin's own agent uses the proxy that environment variables name. */
  envProxy: boolean
  /** The app's own; the app closes it. */
  dispatcher?: AnyDispatcher
}

/** The parts of undici that make calls. */
export interface Undici {
  request: Module['request']
  fetch: Module['fetch']
  dispatcher: Dispatcher
  /** Ends all connections of the plugin's own dispatcher. */
  destroy: () => Promise<void>
}

/** Loads undici, with the app's dispatcher or with one of the plugin's own. */
export async function loadUndici({ dispatcher, ...options }: HttpOptions): Promise<Undici> {
  const undici = await import('undici')
  const { fetch, request } = undici
  if (dispatcher !== undefined) {
    return { fetch, request, dispatcher: ofAnyMajor(undici, dispatcher), destroy: async () => {} }
  }
  const agent = ownAgent(undici, options)
  // Bun replaces undici, and its agents have no methods.
  return { fetch, request, dispatcher: agent, destroy: async () => agent.destroy?.() }
}

function ownAgent(undici: Module, { timeout, envProxy }: HttpOptions): Dispatcher {
  const timeouts = { connect: { timeout }, headersTimeout: timeout, bodyTimeout: timeout }
  return envProxy ? new undici.EnvHttpProxyAgent(timeouts) : new undici.Agent(timeouts)
}

/**
 * A dispatcher of another major of undici, or of Node's own copy, takes other handlers than ours.
 * `compose` makes handlers that each major understands. undici 8 also refuses the option
 * `dispatcher`, which undici 7 passes on.
 */
function ofAnyMajor({ Dispatcher }: Module, foreign: AnyDispatcher): Dispatcher {
  if (foreign instanceof Dispatcher) return foreign
  class Forwarding extends Dispatcher {
    override dispatch(options: object, handler: object): boolean {
      return foreign.dispatch({ ...options, dispatcher: undefined }, handler)
    }
  }
  return new Forwarding().compose(dispatch => dispatch)
}
