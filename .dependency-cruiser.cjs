// Which folder may import which, with the reason beside each rule. `npm run boundaries` fails on a violation.
const TESTS = '(\\.test\\.ts$|/testing/|/conformance[^/]*\\.ts$)';
const MAIN = '^src/([^/]+|commands/[^/]+)\\.ts$';
const ADAPTERS = '^src/(storage/(sql|postgres|pglite)|bus/(embedded|kafka)|providers/[^/]+|profiles/http)/';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one idea in two places.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'domain-imports-nothing',
      comment: 'The rules must be readable and testable without anything that runs them.',
      severity: 'error',
      from: { path: '^src/domain/', pathNot: TESTS },
      to: { pathNot: '^src/(domain|lib/assert\\.ts)' },
    },
    {
      name: 'lib-is-a-leaf',
      comment: 'Helpers without domain words; whoever needs one must not pull in the rest.',
      severity: 'error',
      from: { path: '^src/lib/', pathNot: TESTS },
      to: { path: '^src/(?!lib/)' },
    },
    {
      name: 'app-sees-ports-only',
      comment: 'A use case that knows an adapter cannot be run on another one, nor in the simulation.',
      severity: 'error',
      from: { path: '^src/app/', pathNot: TESTS },
      to: { path: `${ADAPTERS}|^src/(http|consumers|jobs)/` },
    },
    {
      name: 'ports-import-domain-only',
      comment: 'A port says what is asked, in words of the domain.',
      severity: 'error',
      from: { path: '^src/(storage/storage|providers/provider|bus/bus|profiles/profile-directory)\\.ts$' },
      to: { pathNot: '^src/(domain|lib|privacy|storage/(storage-error|patience|[a-z-]+-storage))' },
    },
    {
      name: 'adapters-know-no-use-case',
      comment: 'Adapters import their port, the domain and what keeps numbers private.',
      severity: 'error',
      from: { path: ADAPTERS, pathNot: TESTS },
      to: { path: '^src/(app|http|consumers|jobs)/' },
    },
    {
      name: 'only-main-builds-adapters',
      comment: 'One place that constructs everything, so that one place can be replaced.',
      severity: 'error',
      from: { path: '^src/(http|consumers|jobs|app|observe|privacy)/', pathNot: TESTS },
      to: { path: '^src/(storage/(postgres|pglite)|bus/(embedded|kafka)|providers/[^/]+|profiles/http)/' },
    },
    {
      name: 'the-service-knows-no-demo',
      comment:
        'The simulator and the delivery company are customers of ours; `npm start` alone puts them beside us.',
      severity: 'error',
      from: { path: '^src/', pathNot: `${MAIN}|${TESTS}` },
      to: { path: '^(simulator|demos)/' },
    },
    {
      name: 'the-simulator-knows-leaves-only',
      comment: 'It must know nothing that a real operator would not know.',
      severity: 'error',
      from: { path: '^simulator/', pathNot: TESTS },
      to: { path: '^src/(?!lib/)' },
    },
    {
      name: 'demos-know-the-public-api-only',
      comment: 'They show how a customer uses Maskline. The bus port is the Kafka client of that customer.',
      severity: 'error',
      from: { path: '^demos/', pathNot: TESTS },
      to: { path: '^src/(?!lib/|bus/bus\\.ts$)' },
    },
    {
      name: 'no-test-in-the-product',
      comment: 'What is made for tests must not be reachable in production.',
      severity: 'error',
      from: { path: '^(src|simulator|demos)/', pathNot: TESTS },
      to: { path: TESTS },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // TypeScript 7 has no API that this tool could read sources with yet; swc reads them instead.
    parser: 'swc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
