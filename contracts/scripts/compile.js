// Compiles src/ with the npm compiler, without network, and writes the artifacts that ship in the Python package.
// The same sources give the same bytes, so `--check` can compare instead of writing and fail on the first difference.
const fs = require('fs');
const path = require('path');
const solc = require('solc');

const ROOT = path.join(__dirname, '..');
const OUT = path.join(ROOT, '..', 'src', 'bethna_cli', 'artifacts', 'contracts');
const SHIPPED = ['SentientTrader', 'ThetanutsTokenRouter', 'OptionSeries', 'DevelopmentUSDC', 'DevelopmentPriceOracle',
  'DevelopmentOptionBook', 'DevelopmentBookOption'];

function sourcesUnder(dir) {
  return fs.readdirSync(path.join(ROOT, dir), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(dir, entry.name);
    if (entry.isDirectory()) return sourcesUnder(name);
    return name.endsWith('.sol') ? [name] : [];
  }).sort();
}

function compile() {
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(sourcesUnder('src').map(
      (name) => [name, { content: fs.readFileSync(path.join(ROOT, name), 'utf8') }])),
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 200 },
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'evm.deployedBytecode.immutableReferences'] } },
    },
  };
  const find = (name) => {
    try {
      return { contents: fs.readFileSync(path.join(ROOT, 'node_modules', name), 'utf8') };
    } catch (error) {
      return { error: String(error) };
    }
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
  const problems = output.errors || [];
  for (const problem of problems) console.error(problem.formattedMessage);
  if (problems.some((problem) => problem.severity === 'error')) process.exit(1);
  return output.contracts;
}

// Where the constructor writes immutables into the deployed code: a verifier blanks these ranges before comparing.
function immutableRanges(references) {
  return Object.values(references).flat().map(({ start, length }) => [start, length]).sort((a, b) => a[0] - b[0]);
}

function artifact(contracts, contractName) {
  const sourceName = Object.keys(contracts).find((name) => path.basename(name) === `${contractName}.sol`);
  const { abi, evm } = contracts[sourceName][contractName];
  return JSON.stringify({
    contractName,
    sourceName: `contracts/${sourceName}`,
    compiler: solc.version(),
    abi,
    bytecode: `0x${evm.bytecode.object}`,
    deployedBytecode: `0x${evm.deployedBytecode.object}`,
    immutableRanges: immutableRanges(evm.deployedBytecode.immutableReferences),
  }, null, 1) + '\n';
}

const contracts = compile();
const checkOnly = process.argv.includes('--check');
let differences = 0;
fs.mkdirSync(OUT, { recursive: true });
for (const contractName of SHIPPED) {
  const file = path.join(OUT, `${contractName}.json`);
  const fresh = artifact(contracts, contractName);
  const size = (JSON.parse(fresh).deployedBytecode.length - 2) / 2;
  if (!checkOnly) fs.writeFileSync(file, fresh);
  else if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== fresh) {
    console.error(`${contractName}: the committed artifact differs from a fresh compile; run npm run build`);
    differences += 1;
  }
  console.log(`${contractName} ${size} bytes`);
}
process.exit(differences === 0 ? 0 : 1);
