const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Whether a URL's hostname is this machine itself (RFC 8252 §8.3). */
export function isLoopbackHost (hostname: string): boolean {
  return LOOPBACK.test(hostname)
}
