// Runs the unit and fuzz tests with coverage of src/ and fails below the limits.
const path = require('path');
const { spawnSync } = require('child_process');

const LIMIT_PERCENT = { Lines: 95, Branches: 95 };
const COLUMN = { Lines: 2, Branches: 4 };

const forge = path.join(__dirname, '..', 'node_modules', '.bin', 'forge');
const run = spawnSync(forge, ['coverage', '--report', 'summary', '--no-match-coverage', 'test/',
  '--no-match-contract', 'InvariantsTest|GasTest'], { cwd: path.join(__dirname, '..'), encoding: 'utf8', maxBuffer: 1 << 26,
    env: { ...process.env, FOUNDRY_FUZZ_RUNS: '64' } }); // which lines run does not depend on thousands of draws
const table = run.stdout.slice(run.stdout.indexOf('╭'));
console.log(table);
const total = table.split('\n').find((line) => line.startsWith('| Total'));
if (run.status !== 0 || !total) {
  console.error(run.stdout.slice(-2000), run.stderr);
  process.exit(1);
}
const cells = total.split('|').map((cell) => parseFloat(cell));
for (const [name, limit] of Object.entries(LIMIT_PERCENT)) {
  if (cells[COLUMN[name]] < limit) {
    console.error(`${name} are covered to ${cells[COLUMN[name]]} %, below ${limit} %`);
    process.exitCode = 1;
  }
}
