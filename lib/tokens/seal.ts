import { hkdfSync } from 'node:crypto'
import { CompactEncrypt, compactDecrypt } from 'jose'

/** Encrypts and authenticates small values under the app's secret. */
export interface Sealer {
  /** Seals a value for one id; it opens under that id only, so that two sealed values cannot be swapped. */
  seal: (id: string, value: object) => Promise<string>
  /** The value, or `null` where it was not sealed by one of the secrets, for this purpose and this id. */
  open: (id: string, sealed: string) => Promise<unknown>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * @param secrets the first one seals, each one opens
 * @param purpose keeps values of one kind from opening as another
 */
export function createSealer (secrets: string[], purpose: string): Sealer {
  return {
    seal: (id, value) => new CompactEncrypt(encoder.encode(JSON.stringify(value)))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .encrypt(keyFor(secrets[0]!, purpose, id)),
    async open (id, sealed) {
      for (const secret of secrets) {
        const value = await tryOpen(sealed, keyFor(secret, purpose, id))
        if (value !== null) return value
      }
      return null
    }
  }
}

/** A key of its own for each id (RFC 5869), so that no nonce can ever meet a key twice in practice. */
function keyFor (secret: string, purpose: string, id: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', JSON.stringify(['fastify-le-auth', purpose, id]), 32))
}

async function tryOpen (sealed: string, key: Uint8Array): Promise<unknown> {
  try {
    const { plaintext } = await compactDecrypt(sealed, key, { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] })
    return JSON.parse(decoder.decode(plaintext))
  } catch {
    // Whatever does not open was not sealed here, or was changed since.
    return null
  }
}

/** A text secret for another library's signer, derived for that purpose alone. */
export function derivedSecret (secret: string, purpose: string): string {
  return Buffer.from(keyFor(secret, purpose, '')).toString('base64url')
}
