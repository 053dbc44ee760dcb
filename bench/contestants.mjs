// What is measured. To add a contestant: a script in contestants/, its packages in
// contestants/package.json, and an entry here.
//
//   script   in contestants/; several entries may share one
//   env      environment variables of that script, besides PORT and IDP
//   login    false: nobody can log in, and no route is guarded
//   store    true: keeps sessions in an express-session store
//   redis    true: runs on Redis; omitted if redis-server is not installed
export const contestants = [
  {
    name: 'bare-fastify',
    script: 'bare-fastify.mjs',
    login: false,
    about: 'Fastify alone, no guard: the upper limit'
  },
  {
    name: 'bare-session',
    script: 'bare-session.mjs',
    store: true,
    about:
      '@fastify/session (`rolling: false`, `saveUninitialized: false`), the ' +
      "user's id in it: the floor of a login"
  },
  {
    name: 'bare-session-tokens',
    script: 'bare-session.mjs',
    store: true,
    env: { TOKENS: '1' },
    about: 'the same with claims and tokens in the session'
  },
  {
    name: 'fastify-oauth2',
    script: 'fastify-oauth2.mjs',
    store: true,
    about: '@fastify/oauth2 + @fastify/session, tokens in the session'
  },
  {
    name: 'fastify-passport',
    script: 'fastify-passport.mjs',
    about: '@fastify/passport + passport-oauth2 + @fastify/secure-session, everything in a cookie'
  },
  {
    name: 'openid-client',
    script: 'openid-client.mjs',
    store: true,
    about: 'openid-client by hand + @fastify/session, tokens in the session'
  },
  {
    name: 'le-auth',
    script: 'le-auth.mjs',
    store: true,
    about: 'fastify-le-auth as its README sets it up'
  },
  {
    name: 'le-auth-own-session',
    script: 'le-auth-own-session.mjs',
    store: true,
    about: "fastify-le-auth with the app's own @fastify/session"
  },
  {
    name: 'bare-session-redis',
    script: 'bare-session.mjs',
    redis: true,
    env: { STORE: 'redis' },
    about: 'bare-session on Redis (connect-redis)'
  },
  {
    name: 'le-auth-redis',
    script: 'le-auth.mjs',
    redis: true,
    env: { STORE: 'redis' },
    about: 'fastify-le-auth on Redis (connect-redis), with its refresh lock'
  }
]
