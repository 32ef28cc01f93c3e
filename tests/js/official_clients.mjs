// Ask a served market through the services' own clients, and print what they made of it as one JSON object.
// Usage: node official_clients.mjs http://127.0.0.1:PORT
import { HermesClient } from '@pythnetwork/hermes-client';
import { createRequire } from 'node:module';

const { IndexerClient, IndexerConfig, SocketClient } = createRequire(import.meta.url)('@dydxprotocol/v4-client-js');

const base = process.argv[2];
const ETH = '0xff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace';
const BTC = '0xe62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43';

async function firstEvents(hermes, count) {
  const source = await hermes.getPriceUpdatesStream([ETH], { parsed: true });
  const events = [];
  return new Promise((resolve, reject) => {
    source.onmessage = (event) => {
      events.push(JSON.parse(event.data));
      if (events.length === count) {
        source.close();
        resolve(events);
      }
    };
    source.onerror = reject;
  });
}

async function firstSocketMessages(config, count) {
  const messages = [];
  return new Promise((resolve) => {
    const socket = new SocketClient(
      config,
      () => {},
      () => {},
      (message) => {
        const data = JSON.parse(message.data);
        messages.push(data);
        if (data.type === 'connected') {
          socket.subscribeToMarkets();
          socket.subscribeToCandles('ETH-USD', '1MIN');
        }
        if (messages.length === count) {
          socket.close();
          resolve(messages);
        }
      },
    );
    socket.connect();
  });
}

const hermes = new HermesClient(`${base}/hermes`, { timeout: 5000, httpRetries: 0 });
const config = new IndexerConfig(`${base}/dydx`, `${base.replace('http', 'ws')}/dydx/v4/ws`);
const markets = new IndexerClient(config).markets;
const now = Math.floor(Date.parse((await new IndexerClient(config).utility.getTime()).iso) / 1000);

const answer = {
  feeds: await hermes.getPriceFeeds({ query: 'eth', assetType: 'crypto' }),
  latest: await hermes.getLatestPriceUpdates([ETH, BTC], { parsed: true, encoding: 'hex' }),
  past: await hermes.getPriceUpdatesAtTimestamp(now - 3600, [ETH]),
  events: await firstEvents(hermes, 2),
  markets: await markets.getPerpetualMarkets(),
  funding: await markets.getPerpetualMarketHistoricalFunding('ETH-USD', undefined, undefined, 24),
  candles: await markets.getPerpetualMarketCandles('BTC-USD', '1HOUR', undefined, undefined, 48),
  orderbook: await markets.getPerpetualMarketOrderbook('ETH-USD'),
  trades: await markets.getPerpetualMarketTrades('ETH-USD', undefined, undefined, 10),
  height: await new IndexerClient(config).utility.getHeight(),
  socket: await firstSocketMessages(config, 5),
};
process.stdout.write(JSON.stringify(answer), () => process.exit(0));
