import neostandard from 'neostandard'

const MAX_COLUMNS = 100

export default [
  ...neostandard({
    ts: true,
    noStyle: true,
    ignores: ['dist/', '.tap/', 'bench/.installs/']
  }),
  {
    rules: {
      // Prettier formats the code, but it breaks neither comments nor strings.
      'max-len': ['error', { code: MAX_COLUMNS, ignoreUrls: true, ignoreRegExpLiterals: true }],
      'max-lines-per-function': ['error', 40]
    }
  },
  {
    files: ['**/*.ts'],
    // TypeScript reports real redeclarations. A type and a value may share a name.
    rules: { '@typescript-eslint/no-redeclare': 'off' }
  },
  {
    // A test tells a story from its start to its end, and may hold whole requests as text.
    files: ['test/**', 'bench/**'],
    rules: {
      'max-len': [
        'error',
        {
          code: MAX_COLUMNS,
          ignoreUrls: true,
          ignoreRegExpLiterals: true,
          ignoreTemplateLiterals: true
        }
      ],
      'max-lines-per-function': 'off'
    }
  }
]
