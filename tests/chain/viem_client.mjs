// What a person's own viem script does; reads {rpcUrl, wsUrl, chainId, key, creation, topic} and prints what it saw.
import { createPublicClient, createWalletClient, defineChain, http, webSocket, parseGwei } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const given = JSON.parse(process.env.GIVEN);
const chain = defineChain({
  id: given.chainId, name: "embedded", nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [given.rpcUrl] } },
});
const account = privateKeyToAccount(given.key);
const reader = createPublicClient({ chain, transport: http(), pollingInterval: 50 });
const listener = createPublicClient({ chain, transport: webSocket(given.wsUrl) });
const writer = createWalletClient({ chain, account, transport: http() });
const word = (value) => "0x" + value.toString(16).padStart(64, "0");

const deployed = await reader.waitForTransactionReceipt({ hash: await writer.sendTransaction({ data: given.creation }) });
const address = deployed.contractAddress;
const heard = [];
await listener.getChainId(); // the socket is open
const stop = listener.watchEvent({ address, onLogs: (logs) => heard.push(...logs) });
const stopHeads = listener.watchBlockNumber({ onBlockNumber: () => {} });
for (let turn = 0; turn < 3; turn += 1) await listener.getChainId(); // what was asked for before is subscribed
const recorded = await reader.waitForTransactionReceipt({ hash: await writer.sendTransaction({ to: address, data: word(5) }) });
while (heard.length === 0) await new Promise((done) => setTimeout(done, 20));
stop();
stopHeads();

let revertData = null;
try {
  await reader.call({ to: address, data: word(0) });
} catch (error) {
  revertData = error.walk((cause) => cause.data !== undefined)?.data ?? null;
}
const fees = await reader.estimateFeesPerGas();
const block = await reader.getBlock({ blockTag: "finalized" });
const [balance, nonce, history, logs] = await Promise.all([
  reader.getBalance({ address: account.address }),
  reader.getTransactionCount({ address: account.address, blockTag: "pending" }),
  reader.getFeeHistory({ blockCount: 2, rewardPercentiles: [50] }),
  reader.getLogs({ address, fromBlock: 0n }),
]);
console.log(JSON.stringify({
  chainId: await reader.getChainId(),
  status: recorded.status,
  stored: await reader.getStorageAt({ address, slot: "0x0" }),
  heardTopic: heard[0].topics[1],
  logs: logs.length,
  revertData,
  feeIsEnough: fees.maxFeePerGas > 0n && fees.maxFeePerGas < parseGwei("100"),
  finalized: Number(block.number),
  nonce,
  rewards: history.reward.length,
  spent: balance < 10n ** 22n,
}));
process.exit(0);
