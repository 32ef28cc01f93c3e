"""ABI and bytecode of the contracts, so that nobody needs Node or a compiler to use them.

One JSON file per contract: SentientTrader, ThetanutsTokenRouter, OptionSeries, DevelopmentUSDC, DevelopmentPriceOracle,
DevelopmentOptionBook and DevelopmentBookOption, each
`{contractName, sourceName, compiler, abi, bytecode, deployedBytecode, immutableRanges}`. Bytecodes are 0x-hex;
`immutableRanges` lists the `[offset, length]` byte ranges of `deployedBytecode` that the constructor fills in, so a
code comparison blanks them. Constructors: SentientTrader(usdc, initialRouters[], initialOwner, initialGuardian),
ThetanutsTokenRouter(usdc, oracle, initialOwner), DevelopmentUSDC(initialOwner), DevelopmentPriceOracle(writer),
DevelopmentOptionBook(usdc, oracle, owner); an OptionSeries is deployed by its router, a DevelopmentBookOption by its
book. The files are written by `npm run build` in contracts/ and compared with a fresh compile by `npm run check`; this
package never edits them.
"""
