// Breaks the contracts in every way that mutants.js lists, one at a time in a copy, and prints which test notices.
// A mutant that no test kills, or that does not apply or compile, makes the command fail.
//   npm run mutate                    all of them, in two copies at once
//   npm run mutate -- --only I2,I9    those of these invariants
const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawn } = require('child_process');
const mutants = require('./mutants');

const ROOT = path.join(__dirname, '..');
const COPIED = ['src', 'test', 'scripts', 'foundry.toml'];
const WORKERS = 2;

function workspace() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mutants-'));
  for (const name of COPIED) fs.cpSync(path.join(ROOT, name), path.join(dir, name), { recursive: true });
  fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(dir, 'node_modules'));
  return dir;
}

function forge(dir, args) {
  return new Promise((resolve) => {
    const child = spawn(path.join(ROOT, 'node_modules', '.bin', 'forge'), args, {
      cwd: dir, env: { ...process.env, FOUNDRY_PROFILE: 'mutation' },
    });
    let output = '';
    child.stdout.on('data', (chunk) => { output += chunk; });
    child.stderr.on('data', (chunk) => { output += chunk; });
    child.on('close', (code) => resolve({ code, output }));
  });
}

// Returns what went wrong, if anything; remembers in `originals` what each file was.
function apply(dir, edits, originals) {
  for (const [file, found, replacement] of edits) {
    const source = fs.readFileSync(path.join(dir, file), 'utf8');
    if (!originals.has(file)) originals.set(file, source);
    const parts = source.split(found);
    if (parts.length !== 2) return `${file}: the text occurs ${parts.length - 1} times: ${found.slice(0, 60)}`;
    fs.writeFileSync(path.join(dir, file), parts.join(replacement));
  }
  return null;
}

function restore(dir, originals) {
  for (const [file, source] of originals) fs.writeFileSync(path.join(dir, file), source);
}

function failures(output) {
  const named = [...output.matchAll(/^\[FAIL.*\]\s+(\w+)\(/gm)].map((match) => match[1]);
  const invariants = [...output.matchAll(/^ (invariant_\w+)\(\)/gm)].map((match) => match[1]);
  return [...new Set([...named, ...invariants])];
}

// Killing means something only where the unbroken contracts pass.
async function requireGreen() {
  const dir = workspace();
  const { code, output } = await forge(dir, ['test']);
  fs.rmSync(dir, { recursive: true });
  if (code !== 0) throw new Error(`the tests fail without any mutant:\n${output.slice(-2000)}`);
}

// The unit and fuzz tests first; then the stateful invariant of that number, to show whether it notices by itself.
async function judge(dir, [invariant, , edits]) {
  const originals = new Map();
  const problem = apply(dir, edits, originals);
  if (problem) {
    restore(dir, originals);
    return { problem, tests: [], stateful: [] };
  }
  const direct = await forge(dir, ['test', '--no-match-contract', 'InvariantsTest']);
  const compiled = /Suite result/.test(direct.output);
  const stateful = compiled && invariant !== 'V' ? await forge(dir, ['test', '--match-test', `^invariant_${invariant}_`]) : { output: '' };
  restore(dir, originals);
  return {
    problem: compiled ? null : direct.output.slice(-600),
    tests: failures(direct.output),
    stateful: failures(stateful.output),
  };
}

async function main() {
  const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1].split(',') : null;
  await requireGreen();
  const queue = mutants.map((mutant, index) => ({ mutant, index })).filter(({ mutant }) => !only || only.includes(mutant[0]));
  const results = [];
  await Promise.all(Array.from({ length: Math.min(WORKERS, queue.length) }, async () => {
    const dir = workspace();
    for (let job = queue.shift(); job; job = queue.shift()) {
      const result = await judge(dir, job.mutant);
      results.push({ ...job, ...result });
      process.stderr.write(result.problem || result.tests.length + result.stateful.length === 0 ? 'S' : '.');
    }
    fs.rmSync(dir, { recursive: true });
  }));
  process.stderr.write('\n');
  report(results.sort((a, b) => a.index - b.index));
}

function report(results) {
  console.log('| invariant | mutant | killed by | noticed by the stateful invariant too |\n|---|---|---|---|');
  let survivors = 0;
  for (const { mutant: [invariant, description], problem, tests, stateful } of results) {
    if (problem || tests.length + stateful.length === 0) survivors += 1;
    const more = tests.length > 1 ? ` (+${tests.length - 1})` : '';
    const killer = problem ? `DID NOT RUN: ${problem}` : tests.length ? `${tests[0]}${more}` : stateful.length ? '' : 'SURVIVED';
    console.log(`| ${invariant} | ${description} | ${killer} | ${stateful[0] || ''} |`);
  }
  console.log(`\n${results.length} mutants, ${results.length - survivors} killed, ${survivors} survived or did not run`);
  process.exitCode = survivors === 0 ? 0 : 1;
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
